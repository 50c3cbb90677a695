"""A run: install exactly one offer's updates, see it end, tell the site.

The install runs in a session of its own and outlives the agent. Each step is in the journal
before it takes effect, so that an agent that starts again knows where it stood.
"""

from __future__ import annotations

import errno
from dataclasses import replace
from datetime import timedelta
from typing import Optional

from reconciler.agent.errors import CommandError, RunRefusedError
from reconciler.agent.hooks import Hooks
from reconciler.agent.machine import Machine
from reconciler.agent.memory import (
    Chain,
    EndedProgram,
    EndedRun,
    RunRecord,
)
from reconciler.agent.outcomes import Outcomes
from reconciler.agent.provision import Provision, provide
from reconciler.agent.redaction import last_lines
from reconciler.agent.spool import tell_statuses
from reconciler.agent.stages import Stages, joined
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
        self._stages = Stages(machine)
        self._hooks = hooks
        self._outcomes = Outcomes(machine)

    def start(self, offer: Offer, *, voluntary: bool) -> bool:
        """Begin to install the offer; False where it was refused or nothing is missing.

        Raises SiteUnreachableError where content cannot be had now.
        """
        try:
            self._hooks.refuse_unknown(offer.order.hooks)
            provided = self._provide(offer)
        except (RunRefusedError, ContentError, CommandError, OSError) as error:
            self.refuse(offer, _reason_of(error), error)
            return False
        if provided.is_empty:
            return False
        self._begin(offer, provided, voluntary=voluntary)
        return True

    def _provide(self, offer: Offer) -> Provision:
        """Prepare; what was interrupted before is repaired where it stands in the way."""
        try:
            return provide(self._machine, offer)
        except RunRefusedError as error:
            if error.reason is not Refusal.DPKG_INTERRUPTED:
                raise
        self._machine.packages.repair()
        return provide(self._machine, offer)

    def wait(self) -> None:
        """Wait for the current run and tell how it ended; raises StoppedError, then it goes on.

        Past its time limit it is told as timed out; dpkg is left to end what it does, and the
        command of an update of one's own is ended.
        """
        record = self._journal.memory.current
        if record is not None and not record.prepared:
            record = self._run_hook(record)
        while record is not None:
            record = self._see(record)

    def _see(self, record: RunRecord) -> Optional[RunRecord]:
        """See one stage to its end, and give the run where another one follows."""
        if record.between:
            record = self._stages.begin(record)
        while self._stages.is_at_work(record):
            if self._stages.is_late(record):
                is_own = record.step is not None
                record = self._stages.end_late(record) if is_own else self._tell_timeout(record)
            self._machine.stop.sleep(_LOOK_EVERY)
        return self._end(record)

    def _begin(self, offer: Offer, provided: Provision, *, voluntary: bool) -> None:
        memory, packages = self._journal.memory, provided.packages
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
            packages=packages.pins,
            automatic=packages.automatic,
            own_sources=packages.own_sources,
            order=offer.order,
            mandatory_at=offer.mandatory_at,
            voluntary=voluntary,
            steps=provided.steps,
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
            self._stages.begin(record)

    def _run_hook(self, record: RunRecord) -> Optional[RunRecord]:
        """Run the hook before, once in a chain, and begin to install; nothing where it failed."""
        chain, hooks = self._journal.memory.chain, record.order.hooks
        owed = chain.owed if chain is not None else ()
        if hooks.before not in {order.before for order in owed}:
            end = self._hooks.run(hooks.before, hooks.timeout)
            if end.problem:
                self._outcomes.fail(record, end.code, Failure.HOOK_BEFORE, end.problem)
                return None
        return self._stages.begin(replace(record, began_at=self._machine.clock.now()))

    def _tell_timeout(self, record: RunRecord) -> RunRecord:
        late = replace(record, timed_out=True)
        self._journal.save(memory=replace(self._journal.memory, current=late))
        output = self._machine.child.read_end().output
        self._outcomes.tell(
            late, StatusId.PROGRAM_FAILED, reason=Failure.TIMEOUT, detail=last_lines(output)
        )
        self._outcomes.complain(f"run {record.run} passed its time limit {record.max_runtime}")
        return late

    def _end(self, record: RunRecord) -> Optional[RunRecord]:
        """Take the end of a stage; what fails ends the run."""
        settled = self._stages.settle(record)
        if record.timed_out and record.step is None:
            self._outcomes.forget(record, settled.code, Failure.TIMEOUT)
        elif settled.reason is not None:
            self._outcomes.fail(record, settled.code, settled.reason, settled.detail)
        elif not record.is_last_stage:
            return self._stages.advance(record, settled)
        else:
            self._outcomes.keep(EndedProgram(record, settled.code, joined(record, settled)))
        self._stages.forget(record)
        return None

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


def _reason_of(error: Exception) -> Refusal:
    if isinstance(error, RunRefusedError):
        return error.reason
    if isinstance(error, ContentError):
        return Refusal.CONTENT_INCOMPLETE
    if isinstance(error, OSError):
        return Refusal.DISK_FULL if error.errno == errno.ENOSPC else Refusal.CANNOT_PREPARE
    return Refusal.COMMAND_FAILED
