"""When a computer or a collection may be changed, and what has room then (S3, S4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from reconciler.desired.state import DesiredState
from reconciler.desired.strategies import merge_strategies
from reconciler.kinds.maintenance_window import MaintenanceWindow
from reconciler.planning.deadlines import DeadlineCheck, check_deadline, fitting_starts
from reconciler.planning.freezes import frozen_spans, subtract
from reconciler.planning.windows import (
    Interval,
    Purpose,
    declared_windows,
    merge,
    occurrences,
    purpose_windows,
)


@dataclass(frozen=True, slots=True)
class WindowedClass:
    """Computers that share their windows: the collections that bear them, and the zone.

    `collections` are all that they are known to be in, for the phases that are for them.
    """

    bearing: tuple[str, ...]
    collections: frozenset[str]
    zone: ZoneInfo
    windowless: bool = False
    members: int | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of one window."""

    span: Interval
    collection: str
    window: str
    purpose: str
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class ProgramFit:
    """A group's longest run, and in which merged windows for updates it may start from when on."""

    group: str
    needed: timedelta
    starts: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class PhaseDeadline:
    """The verdict on one phase's deadline."""

    rollout: str
    phase: str
    group: str
    needed: timedelta
    check: DeadlineCheck


@dataclass(frozen=True, slots=True)
class Timetable:
    """All of it for one class; `always` is any time, and no window at all is never.

    What is `frozen` is cut out of all but the openings, which are as they are written (S13a).
    """

    windowed: WindowedClass
    always: bool
    openings: tuple[Opening, ...]
    updates: tuple[Interval, ...]
    restarts: tuple[Interval, ...]
    frozen: tuple[Interval, ...]
    programs: tuple[ProgramFit, ...]
    deadlines: tuple[PhaseDeadline, ...]


def make_timetable(desired: DesiredState, windowed: WindowedClass, span: Interval) -> Timetable:
    """Compute everything for one class within the span."""
    declared = declared_windows(desired, windowed.bearing)
    always = not declared and (windowed.windowless or bool(windowed.bearing))
    frozen = _frozen(desired, windowed, span)
    updates = _merged(declared, "updates", windowed.zone, span, always=always)
    updates = subtract(updates, frozen)
    restarts = _merged(declared, "restarts", windowed.zone, span, always=always)
    return Timetable(
        windowed=windowed,
        always=always,
        openings=tuple(sorted(_openings(desired, windowed, span), key=_order)),
        updates=updates,
        restarts=subtract(restarts, frozen),
        frozen=frozen,
        programs=tuple(
            ProgramFit(name, needed, fitting_starts(updates, needed))
            for name, group in desired.update_groups.items()
            for needed in [group.document.spec.max_runtime]
        ),
        deadlines=tuple(_deadlines(desired, windowed, declared, span, always=always)),
    )


def _merged(
    declared: Sequence[MaintenanceWindow],
    purpose: Purpose,
    zone: tzinfo,
    span: Interval,
    *,
    always: bool,
) -> tuple[Interval, ...]:
    return (span,) if always else purpose_windows(declared, purpose, zone, *span)


def _frozen(desired: DesiredState, windowed: WindowedClass, span: Interval) -> tuple[Interval, ...]:
    inside = windowed.collections.union(windowed.bearing)
    specs = (placed.document.spec for placed in desired.freezes.values())
    chosen = (one for one in specs if not one.collections or inside & set(one.collections))
    return merge(found for one in chosen for found in frozen_spans(one, windowed.zone, *span))


def _openings(desired: DesiredState, windowed: WindowedClass, span: Interval) -> Iterator[Opening]:
    for name in windowed.bearing:
        for window in declared_windows(desired, [name]):
            zone = window.zone or windowed.zone
            for found in occurrences(window, zone, *span):
                yield Opening(found, name, window.name, window.for_, zone)


def _order(opening: Opening) -> tuple[Interval, str, str]:
    return opening.span, opening.collection, opening.window


def _deadlines(
    desired: DesiredState,
    windowed: WindowedClass,
    declared: Sequence[MaintenanceWindow],
    span: Interval,
    *,
    always: bool,
) -> Iterator[PhaseDeadline]:
    def openings(begin: datetime, end: datetime) -> tuple[Interval, ...]:
        found = _merged(declared, "updates", windowed.zone, (begin, end), always=always)
        return subtract(found, _frozen(desired, windowed, (begin, end)))

    for name, rollout in merge_strategies(desired).items():
        spec = rollout.document.spec
        group = desired.authorizations[spec.authorization].document.spec.group
        # Any time is enough for any run, and a span that is cut off would look too short.
        needed = desired.update_groups[group].document.spec.max_runtime
        room = timedelta(0) if always else needed
        local = windowed.zone if spec.time_basis == "local" else None
        for phase in spec.phases:
            if phase.collection in windowed.collections:
                check = check_deadline(phase, room, openings, span, local)
                if check is not None:
                    yield PhaseDeadline(name, phase.name, group, needed, check)
