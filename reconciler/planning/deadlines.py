"""Whether windows have room for a run between a phase's opening and its deadline (S4, S17)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from reconciler.kinds.phase import Phase
from reconciler.planning.windows import Interval, resolve_wall_time

Openings = Callable[[datetime, datetime], Sequence[Interval]]
"""Gives the merged openings for updates that overlap a span."""


class Verdict(StrEnum):
    """Whether a run can start in a window before the deadline."""

    MET = "met"
    SOMETIMES = "sometimes"
    NEVER = "never"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class DeadlineCheck:
    """The verdict on one phase.

    `missed` are the openings of the phase after which no window has room before its deadline.
    """

    verdict: Verdict
    opens_at: datetime | None
    due_at: datetime | None
    missed: tuple[Interval, ...] = ()


def fitting_starts(openings: Sequence[Interval], needed: timedelta) -> tuple[Interval, ...]:
    """Give from when to when a run may start: what is left of the window must be long enough."""
    return tuple(
        (opens_at, closes_at - needed)
        for opens_at, closes_at in openings
        if closes_at - opens_at >= needed
    )


def check_deadline(
    phase: Phase, needed: timedelta, openings: Openings, span: Interval, local: tzinfo | None
) -> DeadlineCheck | None:
    """Judge a phase that opens within the span; nothing where it has no deadline.

    `local` is the zone in which a deadline's instant is read as a wall time, if it is (S17).
    """
    if phase.deadline is None:
        return None
    begin, end = span
    fixed = phase.opens.at
    earliest = fixed or max(begin, phase.opens.not_before or begin)
    due = phase.deadline
    if isinstance(due, timedelta) and fixed is None:
        return _check_rolling(due, needed, openings, (earliest, max(earliest, end)))
    due_at = fixed + due if isinstance(due, timedelta) and fixed else due
    if not isinstance(due_at, datetime):
        return None
    if local is not None and isinstance(due, datetime):
        due_at = resolve_wall_time(due.date(), due.time(), local)
    if due_at <= begin:
        return DeadlineCheck(Verdict.PASSED, fixed, due_at)
    starts = fitting_starts(openings(earliest, due_at), needed) if earliest < due_at else ()
    fits = any(first < due_at and earliest <= last for first, last in starts)
    verdict = Verdict.MET if fits else Verdict.NEVER
    return DeadlineCheck(verdict, earliest, due_at)


def _check_rolling(
    within: timedelta, needed: timedelta, openings: Openings, span: Interval
) -> DeadlineCheck:
    """Judge every opening within the span, as nobody knows when an earlier phase succeeds."""
    begin, end = span
    missed: list[Interval] = []
    since = begin
    for first, last in fitting_starts(openings(begin, end + within), needed):
        if last < since:
            continue
        if since < min(first - within, end):
            missed.append((since, min(first - within, end)))
        since = max(since, last)
    if since < end:
        missed.append((since, end))
    if not missed:
        return DeadlineCheck(Verdict.MET, None, None)
    whole = missed == [(begin, end)]
    return DeadlineCheck(
        Verdict.NEVER if whole else Verdict.SOMETIMES, None, None, () if whole else tuple(missed)
    )
