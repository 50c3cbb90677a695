"""How programs ended, remembered and told: one place for the status messages of runs (H3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Optional, Union

from reconciler.agent.machine import Machine
from reconciler.agent.memory import Chain, EndedProgram, EndedRun, Memory, RunRecord
from reconciler.agent.redaction import last_lines
from reconciler.agent.spool import tell_statuses
from reconciler.model.messages import StatusId, StatusMessage
from reconciler.model.run_reasons import Failure, RestartWait


class Outcomes:
    """Writes memory and spool in one step for each outcome."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._journal = machine.journal

    def is_workstation(self) -> bool:
        """Tell whether a user sits here, as this computer's facts have it."""
        facts = self._journal.spool.facts
        return facts is not None and facts.facts.get("class") in {"workstation", "portable"}

    def tell(
        self,
        record: RunRecord,
        status: StatusId,
        *,
        reason: Union[Failure, RestartWait, None] = None,
        detail: str = "",
    ) -> None:
        """Tell a status of a run."""
        word = "" if reason is None else reason.value
        self._send(record.make_status(self._now(), status, reason=word, detail=detail))

    def tell_done(self, programs: Iterable[EndedProgram], status: StatusId) -> None:
        """Tell what programs that are done have left to do."""
        now = self._now()
        self._send(*(one.record.make_status(now, status, one.code) for one in programs))

    def done_status(self, *, needed: bool) -> StatusId:
        """Give the status of what is done and restarts nothing (H3)."""
        if not needed:
            return StatusId.DONE_NO_RESTART
        if self.is_workstation():
            return StatusId.DONE_RESTART_SUPPRESSED_WORKSTATION
        return StatusId.DONE_RESTART_SUPPRESSED_SERVER

    def keep(self, program: EndedProgram) -> None:
        """Remember a program that worked, and tell it where no hook after has to work first."""
        record, memory = program.record, self._remember(program.record, program.code, "")
        if memory.chain is not None:
            kept = replace(memory.chain, programs=(*memory.chain.programs, program))
            memory = replace(memory, chain=kept)
        told = () if record.order.hooks.after else (self._success_of(program),)
        self._journal.save(memory=memory, spool=tell_statuses(self._journal.spool, *told))

    def succeed(self, program: EndedProgram, chain: Chain) -> None:
        """Tell that a program is done and verified."""
        self._send(self._success_of(program))
        if chain.done:
            self.tell_done([program], StatusId(chain.done))

    def fail(self, record: RunRecord, code: Optional[int], reason: Failure, detail: str) -> None:
        """Tell that a program failed, to the site and to the machine's own log (E2)."""
        text, now = last_lines(detail), self._now()
        failed = StatusId.PROGRAM_FAILED
        made = record.make_status(now, failed, code, reason=reason.value, detail=text)
        statuses = [replace(made, took=now - record.began_at)]
        memory = self._remember(record, code, reason.value)
        if reason is Failure.RESTART_FIRST:
            statuses.append(record.make_status(now, StatusId.RESTART_NEEDED_TO_GO_ON, code))
            memory = _with_stuck(memory, record, self._machine.boot.identity())
        self._journal.save(memory=memory, spool=tell_statuses(self._journal.spool, *statuses))
        where = f"run {record.run} of {record.rollout}/{record.release}"
        self.complain(f"{where} failed: {reason.value} (exit code {code}): {text}")

    def forget(self, record: RunRecord, code: Optional[int], reason: Failure) -> None:
        """Remember the end of a run whose failure was told before."""
        self._journal.save(memory=self._remember(record, code, reason.value))

    def complain(self, text: str) -> None:
        """Tell the machine's administrator."""
        self._machine.system_log.tell_failure(text)
        self._machine.log.fault("failed", problem=text)

    def _success_of(self, program: EndedProgram) -> StatusMessage:
        record, now = program.record, self._now()
        done = StatusId.PROGRAM_SUCCEEDED
        made = record.make_status(now, done, program.code, detail=program.detail)
        return replace(made, took=now - record.began_at)

    def _remember(self, record: RunRecord, code: Optional[int], reason: str) -> Memory:
        end = EndedRun(
            rollout=record.rollout,
            release=record.release,
            run=record.run,
            ended_at=self._now(),
            refused=False,
            reason=reason,
            exit_code=code,
        )
        memory = self._journal.memory
        is_over = memory.current is not None and memory.current.run == record.run
        current = None if is_over else memory.current
        self._machine.log.info("run ended", run=record.run, code=code, reason=reason or "done")
        return replace(memory.with_end(end), current=current)

    def _send(self, *statuses: StatusMessage) -> None:
        self._journal.save(spool=tell_statuses(self._journal.spool, *statuses))

    def _now(self) -> datetime:
        return self._machine.clock.now()


def _with_stuck(memory: Memory, record: RunRecord, boot: str) -> Memory:
    """Remember that the run, which ended just now, is tried again on another boot only."""
    chain = memory.chain
    if chain is not None:
        chain = replace(chain, stuck=(*chain.stuck, record))
    ended = tuple(replace(one, boot=boot) if one.run == record.run else one for one in memory.ended)
    return replace(memory, chain=chain, ended=ended)
