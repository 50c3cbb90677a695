"""A run: install exactly one offer's updates, see it end, tell the site.

The install runs in a session of its own and outlives the agent. Each step is in the journal
before it takes effect, so that an agent that starts again knows where it stood.
"""

from __future__ import annotations

import errno
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Optional

from reconciler.agent.errors import CommandError, RunRefusedError
from reconciler.agent.hooks import Hooks
from reconciler.agent.machine import Machine
from reconciler.agent.memory import (
    Chain,
    EndedProgram,
    EndedRun,
    Memory,
    RunRecord,
    missing_updates,
)
from reconciler.agent.outcomes import Outcomes
from reconciler.agent.packages import Preparation
from reconciler.agent.redaction import last_lines
from reconciler.agent.spool import tell_statuses
from reconciler.model.errors import ContentError
from reconciler.model.messages import StatusId, StatusMessage
from reconciler.model.policy import Offer
from reconciler.model.run_reasons import Failure, Refusal

_LOOK_EVERY = timedelta(milliseconds=100)


class Runs:
    """Starts runs and ends them; there is at most one."""

    def __init__(self, machine: Machine, hooks: Hooks) -> None:
        self._machine = machine
        self._journal = machine.journal
        self._packages = machine.packages
        self._hooks = hooks
        self._outcomes = Outcomes(machine)

    def start(self, offer: Offer, *, voluntary: bool) -> bool:
        """Begin to install the offer; False where it was refused or nothing is missing.

        Raises SiteUnreachableError where content cannot be had now.
        """
        try:
            self._hooks.refuse_unknown(offer.order.hooks)
            prepared = self._prepare(offer)
        except (RunRefusedError, ContentError, CommandError, OSError) as error:
            self.refuse(offer, _reason_of(error), error)
            return False
        if not prepared.pins:
            return False
        self._begin(offer, prepared, voluntary=voluntary)
        return True

    def _prepare(self, offer: Offer) -> Preparation:
        """Prepare; what was interrupted before is repaired where it stands in the way."""
        missing = missing_updates(self._journal.memory)
        try:
            return self._packages.prepare(offer, missing)
        except RunRefusedError as error:
            if error.reason is not Refusal.DPKG_INTERRUPTED:
                raise
        self._packages.repair()
        return self._packages.prepare(offer, missing)

    def wait(self) -> None:
        """Wait for the current run and tell how it ended; raises StoppedError, then it goes on.

        Past its time limit it is told as timed out, but dpkg is left to end what it does.
        """
        record = self._journal.memory.current
        if record is None:
            return
        if not record.prepared:
            made_ready = self._run_hook(record)
            if made_ready is None:
                return
            record = made_ready
        while self._is_at_work():
            if not record.timed_out and self._machine.clock.now() >= _limit_of(record):
                record = self._tell_timeout(record)
            self._machine.stop.sleep(_LOOK_EVERY)
        self._end(record)

    def _is_at_work(self) -> bool:
        return self._machine.child.is_running() or bool(self._packages.describe_holder())

    def _begin(self, offer: Offer, prepared: Preparation, *, voluntary: bool) -> None:
        memory = self._journal.memory
        now, run = self._machine.clock.now(), memory.next_run
        chain = memory.chain or Chain(run, self._machine.boot.identity())
        record = RunRecord(
            run=run,
            advertisement=offer.advertisement,
            rollout=offer.rollout,
            release=offer.release,
            began_at=now,
            max_runtime=offer.max_runtime,
            updates=tuple(update.id for update in offer.updates),
            packages=prepared.pins,
            automatic=prepared.automatic,
            own_sources=prepared.own_sources,
            order=offer.order,
            mandatory_at=offer.mandatory_at,
            voluntary=voluntary,
        )
        self._machine.child.forget()
        self._journal.save(
            memory=replace(memory, current=record, next_run=run + 1, chain=chain),
            spool=tell_statuses(
                self._journal.spool, record.make_status(now, StatusId.PROGRAM_STARTED)
            ),
        )
        self._machine.signal.show(self._journal.memory)
        if not offer.order.hooks.before:
            self._launch(record)

    def _run_hook(self, record: RunRecord) -> Optional[RunRecord]:
        """Run the hook before, once in a chain, and begin to install; nothing where it failed."""
        chain, hooks = self._journal.memory.chain, record.order.hooks
        owed = chain.owed if chain is not None else ()
        if hooks.before not in {order.before for order in owed}:
            end = self._hooks.run(hooks.before, hooks.timeout)
            if end.problem:
                self._outcomes.fail(record, end.code, Failure.HOOK_BEFORE, end.problem)
                return None
        return self._launch(replace(record, began_at=self._machine.clock.now()))

    def _launch(self, record: RunRecord) -> RunRecord:
        """Begin to install; from here on the hook after has to run."""
        record = replace(record, prepared=True)
        self._journal.save(memory=_with_debt(self._journal.memory, record))
        names = ",".join(f"{name}={version}" for name, _, version in record.packages)
        self._machine.log.info("run started", run=record.run, packages=names)
        command = self._packages.install_command(_prepared(record))
        try:
            self._machine.child.start(command.words, command.environment)
        except CommandError as error:
            # What never ran ends as interrupted, as after a crash at this point.
            self._machine.log.fault("run not launched", run=record.run, problem=error)
        return record

    def _tell_timeout(self, record: RunRecord) -> RunRecord:
        late = replace(record, timed_out=True)
        self._journal.save(memory=replace(self._journal.memory, current=late))
        output = self._machine.child.read_end().output
        self._outcomes.tell(
            late, StatusId.PROGRAM_FAILED, reason=Failure.TIMEOUT, detail=last_lines(output)
        )
        self._outcomes.complain(f"run {record.run} passed its time limit {record.max_runtime}")
        return late

    def _end(self, record: RunRecord) -> None:
        ended = self._machine.child.read_end()
        settled = self._packages.settle(_prepared(record), ended)
        if record.timed_out:
            self._outcomes.forget(record, ended.code, Failure.TIMEOUT)
        elif settled.reason is not None:
            self._outcomes.fail(record, settled.code, settled.reason, settled.detail)
        else:
            self._outcomes.keep(EndedProgram(record, settled.code, settled.detail))

    def refuse(self, offer: Offer, reason: Refusal, error: Exception) -> None:
        """Tell that the offer cannot start, and remember it (H5); nothing was changed."""
        memory, now = self._journal.memory, self._machine.clock.now()
        status = StatusMessage(
            at=now,
            id=int(StatusId.RUN_REFUSED),
            advertisement=offer.advertisement,
            rollout=offer.rollout,
            release=offer.release,
            run=memory.next_run,
            reason=reason.value,
            detail=last_lines(str(error)),
        )
        end = EndedRun(
            offer.rollout, offer.release, memory.next_run, now, refused=True, reason=reason.value
        )
        self._journal.save(
            memory=replace(memory.with_end(end), next_run=memory.next_run + 1),
            spool=tell_statuses(self._journal.spool, status),
        )
        self._machine.log.warning("run refused", reason=reason.value, problem=error)


def _limit_of(record: RunRecord) -> datetime:
    return record.began_at + record.max_runtime


def _reason_of(error: Exception) -> Refusal:
    if isinstance(error, RunRefusedError):
        return error.reason
    if isinstance(error, ContentError):
        return Refusal.CONTENT_INCOMPLETE
    if isinstance(error, OSError):
        return Refusal.DISK_FULL if error.errno == errno.ENOSPC else Refusal.CANNOT_PREPARE
    return Refusal.COMMAND_FAILED


def _with_debt(memory: Memory, record: RunRecord) -> Memory:
    """Remember that the run installs, and that its hook after is owed."""
    chain = memory.chain
    if chain is not None and record.order.hooks not in chain.owed:
        chain = replace(chain, owed=(*chain.owed, record.order.hooks))
    return replace(memory, current=record, chain=chain)


def _prepared(record: RunRecord) -> Preparation:
    return Preparation(record.packages, record.automatic, record.own_sources)
