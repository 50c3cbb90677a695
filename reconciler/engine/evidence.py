"""What a batch of messages makes of a computer's record; pure (J6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler.model.computers import Computer, Run, RunOutcome
from reconciler.model.messages import Batch, ScanOutcome, ScanReport, StatusId, StatusMessage
from reconciler.model.run_reasons import Failure
from reconciler.model.updates import UpdateState

KEPT_RUNS = 64
_ENDED_WELL = frozenset(
    {
        StatusId.PROGRAM_SUCCEEDED,
        StatusId.DONE_NO_RESTART,
        StatusId.DONE_RESTART_SUPPRESSED_SERVER,
        StatusId.DONE_RESTART_SUPPRESSED_WORKSTATION,
    }
)

# What is due and does not begin, for the reason given (H5).
_NOT_BEGUN = frozenset(
    {
        StatusId.RUN_REFUSED,
        StatusId.RUN_WAITS,
        StatusId.WINDOW_TOO_EARLY,
        StatusId.WINDOW_TOO_LATE,
        StatusId.WINDOW_TOO_SHORT,
        StatusId.INSTALL_POSTPONED_AUTOMATICALLY,
        StatusId.RESTART_FIRST_RESCHEDULED_BY_USER,
        StatusId.RESTART_FIRST_POSTPONED_BY_USER,
        StatusId.RESTART_FIRST_POSTPONED_AUTOMATICALLY,
    }
)


def after_batch(
    computer: Computer, batch: Batch, received_at: datetime, content_version: int
) -> Computer:
    """Give the record that holds what the batch says.

    No instant of the agent counts beyond the moment of receipt, and no scan beyond the newest
    content version, so that a wrong or forged clock cannot make evidence newer than it is (S14).
    """
    if batch.facts is not None:
        computer = replace(computer, facts={**batch.facts.facts, **computer.site_facts})
    for status in batch.statuses:
        computer = _after_status(computer, status, received_at)
    if batch.scan is not None and batch.scan.outcome is ScanOutcome.COMPLETED:
        states = {} if batch.full else dict(computer.states)
        computer = _after_scan(computer, batch.scan, states, received_at, content_version)
    return computer


def _after_scan(
    computer: Computer,
    scan: ScanReport,
    states: dict[str, UpdateState],
    received_at: datetime,
    content_version: int,
) -> Computer:
    states.update(scan.changes)
    return replace(
        computer,
        states={
            update: state
            for update, state in sorted(states.items())
            if state is not UpdateState.NOT_APPLICABLE
        },
        last_scan_at=min(scan.started_at, received_at),
        scan_version=min(scan.content_version, content_version),
    )


def _after_status(computer: Computer, status: StatusMessage, received_at: datetime) -> Computer:
    key = f"{status.rollout}/{status.release}"
    at = min(status.at, received_at)
    known = computer.runs.get(key)
    if status.id in _NOT_BEGUN:
        return replace(computer, refusal=f"{status.reason}: {status.detail}".strip(": "))
    if status.id == StatusId.PROGRAM_STARTED:
        fresh = Run(status.rollout, status.release, RunOutcome.BEGAN, at)
        began = replace(known, began_at=at) if known else fresh
        return _with_run(replace(computer, refusal=""), key, began)
    outcome = _outcome_of(status)
    if outcome is None:
        return computer
    ended = Run(
        status.rollout,
        status.release,
        outcome,
        began_at=known.began_at if known else at,
        ended_at=at,
        exit_code=status.exit_code,
        reason=status.reason,
    )
    return _with_run(computer, key, ended)


def _outcome_of(status: StatusMessage) -> RunOutcome | None:
    if status.id in _ENDED_WELL:
        return RunOutcome.SUCCEEDED
    if status.id == StatusId.PROGRAM_FAILED:
        return RunOutcome.TIMED_OUT if status.reason == Failure.TIMEOUT else RunOutcome.FAILED
    return None


def _with_run(computer: Computer, key: str, run: Run) -> Computer:
    """Keep the newest runs only, so that no agent can grow its record without bound."""
    runs = {**computer.runs, key: run}
    newest = sorted(runs, key=lambda name: runs[name].began_at)[-KEPT_RUNS:]
    return replace(computer, runs={name: runs[name] for name in sorted(newest)})
