"""A run: install exactly one offer's updates, see it end, tell the site.

The install runs in a session of its own and outlives the agent. Each step is in the journal
before it takes effect, so that an agent that starts again knows where it stood.
"""

from __future__ import annotations

import errno
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Optional

from reconciler.agent.apt import scope_command
from reconciler.agent.child import Ended
from reconciler.agent.errors import CommandError, RunRefusedError
from reconciler.agent.judge import group_by_name, packages_to_install, read_restart_packages
from reconciler.agent.machine import Machine
from reconciler.agent.memory import EndedRun, RunRecord, missing_updates
from reconciler.agent.preparation import Preparation, Preparer
from reconciler.agent.redaction import last_lines
from reconciler.agent.spool import tell_statuses
from reconciler.model.errors import ContentError
from reconciler.model.messages import StatusId, StatusMessage
from reconciler.model.policy import Offer

TIMEOUT = "timeout"
INTERRUPTED = "interrupted"
_LOOK_EVERY = timedelta(milliseconds=100)
_KEPT_FILE = re.compile(
    r"^Configuration file '(/[^'\n]{1,300})'.*\n(?: ==> .*\n){0,3}?"
    r" ==> (?:Using current|Keeping) old",
    re.MULTILINE,
)


class Runs:
    """Starts runs and ends them; there is at most one."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._journal = machine.journal
        self._preparer = Preparer(machine)

    def start(self, offer: Offer) -> bool:
        """Begin to install the offer; False where it was refused or nothing is missing.

        Raises SiteUnreachableError where content cannot be had now.
        """
        try:
            prepared = self._preparer.prepare(offer, missing_updates(self._journal.memory))
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
        return self._machine.child.is_running() or self._machine.dpkg.is_locked()

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
        apt = self._machine.apt
        try:
            command = scope_command(apt.install_command(record.packages))
            self._machine.child.start(command, apt.environment)
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
        if ended.code is None and self._machine.dpkg.was_interrupted():
            self._machine.log.warning("dpkg was interrupted and is let end its work")
            self._machine.dpkg.configure_all()
        self._restore_marks(record)
        statuses = () if record.timed_out else self._judge(record, ended)
        reason = TIMEOUT if record.timed_out else statuses[0].reason
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

    def _judge(self, record: RunRecord, ended: Ended) -> tuple[StatusMessage, ...]:
        """Say what the end was; an interrupted run succeeded where its packages are all there."""
        now, output = self._machine.clock.now(), ended.output
        code: Optional[int] = ended.code
        if code is None and self._is_done(record):
            code = 0
        if code == 0:
            return (
                record.make_status(
                    now, StatusId.PROGRAM_SUCCEEDED, 0, detail=_render_kept_files(output)
                ),
                record.make_status(now, self._done_status(), 0),
            )
        reason = INTERRUPTED if code is None else "exitCode"
        detail = last_lines(output)
        return (
            record.make_status(now, StatusId.PROGRAM_FAILED, code, reason=reason, detail=detail),
        )

    def _is_done(self, record: RunRecord) -> bool:
        installed = group_by_name(self._machine.dpkg.list_installed())
        return not packages_to_install(record.packages, installed)

    def _done_status(self) -> StatusId:
        """Say whether a restart is left to do; we never restart by ourselves yet (H3)."""
        root = self._machine.root
        if not (read_restart_packages(root) or (root / "run/reboot-required").exists()):
            return StatusId.DONE_NO_RESTART
        facts = self._journal.spool.facts
        if facts is not None and facts.facts.get("class") in {"workstation", "portable"}:
            return StatusId.DONE_RESTART_SUPPRESSED_WORKSTATION
        return StatusId.DONE_RESTART_SUPPRESSED_SERVER

    def _restore_marks(self, record: RunRecord) -> None:
        """Mark again as automatic what apt has turned to manual, because we named it."""
        try:
            now_manual = set(record.automatic) - self._machine.apt.list_automatic()
            self._machine.apt.mark_automatic(now_manual)
        except CommandError as error:
            self._machine.log.warning("marks not restored", run=record.run, problem=error)

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


def _render_kept_files(output: str) -> str:
    """Name the edited configuration files that dpkg met and kept."""
    names = ", ".join(sorted(set(_KEPT_FILE.findall(output))))
    return last_lines(f"kept edited configuration files: {names}") if names else ""
