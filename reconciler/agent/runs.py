"""A run: install exactly one offer's updates, see it end, tell the site.

The install runs in a session of its own and outlives the agent. Each step is in the journal
before it takes effect, so that an agent that starts again knows where it stood.
"""

from __future__ import annotations

import errno
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.agent.errors import CommandError, RunRefusedError
from reconciler.agent.machine import Machine
from reconciler.agent.memory import EndedRun, RunRecord, missing_updates
from reconciler.agent.packages import Preparation, Settled
from reconciler.agent.redaction import last_lines
from reconciler.agent.spool import tell_statuses
from reconciler.model.errors import ContentError
from reconciler.model.messages import StatusId, StatusMessage
from reconciler.model.policy import Offer

TIMEOUT = "timeout"
_LOOK_EVERY = timedelta(milliseconds=100)


class Runs:
    """Starts runs and ends them; there is at most one."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._journal = machine.journal
        self._packages = machine.packages

    def start(self, offer: Offer) -> bool:
        """Begin to install the offer; False where it was refused or nothing is missing.

        Raises SiteUnreachableError where content cannot be had now.
        """
        try:
            prepared = self._packages.prepare(offer, missing_updates(self._journal.memory))
        except RunRefusedError as error:
            self._refuse(offer, error.reason, error)
            return False
        except ContentError as error:
            self._refuse(offer, "contentIncomplete", error)
            return False
        except CommandError as error:
            self._refuse(offer, "aptFailed", error)
            return False
        except OSError as error:
            full = error.errno == errno.ENOSPC
            self._refuse(offer, "diskFull" if full else "cannotPrepare", error)
            return False
        if not prepared.pins:
            return False
        self._begin(offer, prepared)
        return True

    def wait(self) -> None:
        """Wait for the current run and tell how it ended; raises StoppedError, then it goes on.

        Past its time limit it is told as timed out, but dpkg is left to end what it does.
        """
        record = self._journal.memory.current
        while record is not None and self._is_at_work():
            if not record.timed_out and self._machine.clock.now() >= _limit_of(record):
                record = self._tell_timeout(record)
            self._machine.stop.sleep(_LOOK_EVERY)
        if record is not None:
            self._end(record)

    def _is_at_work(self) -> bool:
        return self._machine.child.is_running() or self._packages.is_busy()

    def _begin(self, offer: Offer, prepared: Preparation) -> None:
        memory = self._journal.memory
        now = self._machine.clock.now()
        record = RunRecord(
            run=memory.next_run,
            advertisement=offer.advertisement,
            rollout=offer.rollout,
            release=offer.release,
            began_at=now,
            max_runtime=offer.max_runtime,
            updates=tuple(update.id for update in offer.updates),
            packages=prepared.pins,
            automatic=prepared.automatic,
        )
        self._machine.child.forget()
        self._journal.save(
            memory=replace(memory, current=record, next_run=record.run + 1),
            spool=tell_statuses(
                self._journal.spool, record.make_status(now, StatusId.PROGRAM_STARTED)
            ),
        )
        self._launch(record)

    def _launch(self, record: RunRecord) -> None:
        names = ",".join(f"{name}={version}" for name, _, version in record.packages)
        self._machine.log.info("run started", run=record.run, packages=names)
        command = self._packages.install_command(_prepared(record))
        try:
            self._machine.child.start(command.words, command.environment)
        except CommandError as error:
            # What never ran ends as interrupted, as after a crash at this point.
            self._machine.log.fault("run not launched", run=record.run, problem=error)

    def _tell_timeout(self, record: RunRecord) -> RunRecord:
        now = self._machine.clock.now()
        late = replace(record, timed_out=True)
        status = record.make_status(
            now,
            StatusId.PROGRAM_FAILED,
            reason=TIMEOUT,
            detail=last_lines(self._machine.child.read_end().output),
        )
        self._journal.save(
            memory=replace(self._journal.memory, current=late),
            spool=tell_statuses(self._journal.spool, status),
        )
        self._machine.log.warning("run passed its time limit", run=record.run)
        return late

    def _end(self, record: RunRecord) -> None:
        ended = self._machine.child.read_end()
        settled = self._packages.settle(_prepared(record), ended)
        statuses = () if record.timed_out else self._tell_end(record, settled)
        reason = TIMEOUT if record.timed_out else settled.reason
        now = self._machine.clock.now()
        end = EndedRun(
            rollout=record.rollout,
            release=record.release,
            run=record.run,
            ended_at=now,
            refused=False,
            reason=reason,
            exit_code=ended.code,
        )
        self._journal.save(
            memory=self._journal.memory.with_end(end),
            spool=tell_statuses(self._journal.spool, *statuses),
        )
        self._machine.log.info(
            "run ended", run=record.run, code=ended.code, reason=reason or "done"
        )

    def _tell_end(self, record: RunRecord, settled: Settled) -> tuple[StatusMessage, ...]:
        now, code, detail = self._machine.clock.now(), settled.code, settled.detail
        if not settled.reason:
            return (
                record.make_status(now, StatusId.PROGRAM_SUCCEEDED, code, detail=detail),
                record.make_status(now, self._done_status(), code),
            )
        failed = StatusId.PROGRAM_FAILED
        return (record.make_status(now, failed, code, reason=settled.reason, detail=detail),)

    def _done_status(self) -> StatusId:
        """Say whether a restart is left to do; we never restart by ourselves yet (H3)."""
        if not self._packages.wants_restart():
            return StatusId.DONE_NO_RESTART
        facts = self._journal.spool.facts
        if facts is not None and facts.facts.get("class") in {"workstation", "portable"}:
            return StatusId.DONE_RESTART_SUPPRESSED_WORKSTATION
        return StatusId.DONE_RESTART_SUPPRESSED_SERVER

    def _refuse(self, offer: Offer, reason: str, error: Exception) -> None:
        memory, now = self._journal.memory, self._machine.clock.now()
        status = StatusMessage(
            at=now,
            id=int(StatusId.RUN_REFUSED),
            advertisement=offer.advertisement,
            rollout=offer.rollout,
            release=offer.release,
            run=memory.next_run,
            reason=reason,
            detail=last_lines(str(error)),
        )
        end = EndedRun(
            offer.rollout, offer.release, memory.next_run, now, refused=True, reason=reason
        )
        self._journal.save(
            memory=replace(memory.with_end(end), next_run=memory.next_run + 1),
            spool=tell_statuses(self._journal.spool, status),
        )
        self._machine.log.warning("run refused", reason=reason, problem=error)


def _limit_of(record: RunRecord) -> datetime:
    return record.began_at + record.max_runtime


def _prepared(record: RunRecord) -> Preparation:
    return Preparation(record.packages, record.automatic)
