"""The stages of a run, one after the other: its packages, then each update's own command.

A stage is begun, seen, ended. What it is at is in the journal before it takes effect.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Optional

from reconciler.agent.child import Ended
from reconciler.agent.errors import CommandError
from reconciler.agent.machine import Machine
from reconciler.agent.memory import Memory, OwnStep, RunRecord
from reconciler.agent.packages import Command, Preparation, Settled
from reconciler.model.orders import HookOrder


class Stages:
    """Begins and ends the stages of the run that the journal holds."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._journal = machine.journal
        self._packages = machine.packages
        self._own = machine.own_steps

    def begin(self, record: RunRecord) -> RunRecord:
        """Begin the next stage; from here on the hook after has to run."""
        machine = self._machine
        # Nothing that an earlier stage left may be taken for the end of this one.
        machine.child.forget()
        record = replace(record, prepared=True, between=False, stage_at=machine.clock.now())
        self._journal.save(memory=_with_debt(self._journal.memory, record, record.order.hooks))
        machine.log.info("run started", run=record.run, **_describe(record))
        command, limit = self._command(record)
        try:
            machine.child.start(command.words, command.environment, limit)
        except CommandError as error:
            # What never ran ends as interrupted, as after a crash at this point.
            machine.log.fault("run not launched", run=record.run, problem=error)
        return record

    def is_at_work(self, record: RunRecord) -> bool:
        """Tell whether the stage goes on; of packages, as long as anybody works on them."""
        if self._machine.child.is_running():
            return True
        return record.step is None and bool(self._packages.describe_holder())

    def is_late(self, record: RunRecord) -> bool:
        """Tell whether the stage has passed its time limit, and that was not noted yet."""
        return not record.timed_out and self._machine.clock.now() >= _limit_of(record)

    def end_late(self, record: RunRecord) -> RunRecord:
        """Note that an update's own command is late, and end it with all that it started."""
        late = replace(record, timed_out=True)
        self._journal.save(memory=replace(self._journal.memory, current=late))
        self._machine.child.kill()
        return late

    def settle(self, record: RunRecord) -> Settled:
        """Say how the stage that is over has ended."""
        ended = self._machine.child.read_end()
        if record.step is None:
            return self._packages.settle(_prepared(record), ended)
        return self._settle_own(record.step, ended, timed_out=record.timed_out)

    def advance(self, record: RunRecord, settled: Settled) -> RunRecord:
        """Remember that a stage worked and another one follows."""
        said = joined(record, settled)
        further = replace(record, done=record.done + 1, detail=said, between=True)
        self._journal.save(memory=replace(self._journal.memory, current=further))
        return further

    def forget(self, record: RunRecord) -> None:
        """Delete what only this run needed."""
        self._own.forget(record)

    def _command(self, record: RunRecord) -> tuple[Command, Optional[timedelta]]:
        if record.step is None:
            return self._packages.install_command(_prepared(record)), None
        return self._own.command_of(record.step), record.step.step.max_runtime

    def _settle_own(self, step: OwnStep, ended: Ended, *, timed_out: bool) -> Settled:
        settled = self._own.settle(step, ended, timed_out=timed_out)
        if settled.reason:
            return settled
        self._own.mark(step)
        restarts = dict(self._journal.memory.restarts)
        restarts.pop(step.update, None)
        if settled.code in step.step.restart:
            restarts[step.update] = self._machine.boot.identity()
        self._journal.save(memory=replace(self._journal.memory, restarts=restarts))
        return settled


def joined(record: RunRecord, settled: Settled) -> str:
    """Give what all stages said so far."""
    return "; ".join(text for text in (record.detail, settled.detail) if text)


def _limit_of(record: RunRecord) -> datetime:
    if record.step is not None and record.stage_at is not None:
        return record.stage_at + record.step.step.max_runtime
    return record.began_at + record.max_runtime


def _describe(record: RunRecord) -> dict[str, str]:
    if record.step is not None:
        return {"update": record.step.update}
    return {"packages": ",".join(f"{name}={version}" for name, _, version in record.packages)}


def _with_debt(memory: Memory, record: RunRecord, hooks: HookOrder) -> Memory:
    """Remember that the run installs, and that its hook after is owed."""
    chain = memory.chain
    if chain is not None and hooks not in chain.owed:
        chain = replace(chain, owed=(*chain.owed, hooks))
    return replace(memory, current=record, chain=chain)


def _prepared(record: RunRecord) -> Preparation:
    return Preparation(record.packages, record.automatic, record.own_sources)
