"""When deadlines are for whom, and who has no window before theirs (S4, S17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from pyroaring import FrozenBitMap

from reconciler.desired.site_zones import zone_of_site
from reconciler.kinds.freeze import FreezeSpec
from reconciler.kinds.maintenance_window import MaintenanceWindow
from reconciler.planning.deadlines import Verdict, check_deadline, fitting_starts
from reconciler.planning.freezes import frozen_spans, split_by_freezes, subtract
from reconciler.planning.own_deadlines import terms_of
from reconciler.planning.review.form import LocalDeadline, StageDeadline, Unserved
from reconciler.planning.review.stages import Stage
from reconciler.planning.review.targeting import named
from reconciler.planning.windows import (
    Interval,
    declared_windows,
    merge,
    purpose_windows,
    split_by_windows,
)

AHEAD = timedelta(days=31)
"""Openings of phases that nobody knows yet are tried out so far ahead."""


def stage_deadline(stage: Stage) -> StageDeadline | None:
    """Give a stage's deadline by time zone, most computers first; nothing where it has none."""
    due = stage.phase.deadline
    if due is None or not stage.target:
        return None
    runs_from_opening = isinstance(due, timedelta) and _opened_at(stage) is None
    zones = [
        _local(stage, ZoneInfo(str(zone)), len(who))
        for zone, who in stage.rollout.world.by_zone(stage.target)
    ]
    zones.sort(key=lambda one: (-one.computers, one.zone))
    after = due if isinstance(due, timedelta) and runs_from_opening else None
    return StageDeadline(*stage.key, after, tuple(zones))


def _opened_at(stage: Stage) -> datetime | None:
    """Give when it opened, or when it will, where its manifest says so."""
    return stage.record.opened_at if stage.record is not None else stage.phase.opens.at


def _due_in(stage: Stage, zone: ZoneInfo) -> datetime | None:
    opened_at = _opened_at(stage)
    if opened_at is None and isinstance(stage.phase.deadline, timedelta):
        return None
    time_basis = stage.rollout.placed.document.spec.time_basis
    terms = terms_of(stage.phase, time_basis, opened_at or stage.rollout.world.now)
    return terms.due_in(zone) if terms is not None else None


def _local(stage: Stage, zone: ZoneInfo, computers: int) -> LocalDeadline:
    due_at = _due_in(stage, zone)
    local = f"{due_at.astimezone(zone):%a %Y-%m-%d %H:%M}" if due_at is not None else ""
    return LocalDeadline(zone.key, computers, due_at, local)


@dataclass(frozen=True, slots=True)
class _Class:
    """Computers with the same windows, zone and freezes."""

    names: tuple[str, ...]
    declared: Sequence[MaintenanceWindow]
    always: bool
    zone: ZoneInfo
    freezes: tuple[FreezeSpec, ...]
    members: FrozenBitMap

    def openings(self, begin: datetime, end: datetime) -> tuple[Interval, ...]:
        """Give when a run may start within the span, freezes cut out."""
        span = ((begin, end),)
        found = span if self.always else self._windows(begin, end)
        frozen = (frozen_spans(one, self.zone, begin, end) for one in self.freezes)
        return subtract(found, merge(span for spans in frozen for span in spans))

    def _windows(self, begin: datetime, end: datetime) -> tuple[Interval, ...]:
        return purpose_windows(self.declared, "updates", self.zone, begin, end)


def unserved(stage: Stage) -> Iterator[Unserved]:
    """Give those to whom no window with room opens before the deadline; who may override, none.

    Of a phase whose opening nobody knows yet every opening within `AHEAD` is tried out.
    """
    if stage.phase.deadline is None or stage.order.override_windows:
        return
    needed = stage.rollout.group.document.spec.max_runtime
    for one in _classes(stage):
        verdict = _verdict(stage, one, timedelta(0) if one.always else needed)
        if verdict in {Verdict.NEVER, Verdict.SOMETIMES}:
            yield Unserved(
                *stage.key,
                computers=len(one.members),
                named=named(stage.rollout.world.observed.fleet, one.members),
                collections=one.names,
                zone=one.zone.key,
                needed=needed,
                never=verdict is Verdict.NEVER,
            )


def _classes(stage: Stage) -> Iterator[_Class]:
    world = stage.rollout.world
    desired, site = world.desired, world.desired.sites.get(world.site.name)
    windowless = site is not None and site.document.spec.windowless == "always"
    emergency = stage.order.emergency
    freezes = [
        placed.document.spec
        for placed in desired.freezes.values()
        if placed.document.spec.include_emergencies or not emergency
    ]
    zone_of = zone_of_site(desired, world.site.name)
    split = split_by_windows(desired, world.collections, world.memo, stage.target, zone_of)
    for names, zone, members in split:
        declared = declared_windows(desired, names)
        always = not declared and (windowless or bool(names))
        make = partial(_Class, names, declared, always, zone)
        for chosen, who in split_by_freezes(world.collections, members, freezes):
            yield make(chosen, FrozenBitMap(who))


def _verdict(stage: Stage, one: _Class, needed: timedelta) -> Verdict:
    now = stage.rollout.world.now
    if stage.record is None:
        local = one.zone if stage.rollout.placed.document.spec.time_basis == "local" else None
        span = (now, now + AHEAD)
        check = check_deadline(stage.phase, needed, one.openings, span, local)
        return check.verdict if check is not None else Verdict.MET
    due_at = _due_in(stage, one.zone)
    if due_at is None or due_at <= now:
        return Verdict.PASSED
    starts = fitting_starts(one.openings(now, due_at), needed)
    fits = any(first < due_at and now <= last for first, last in starts)
    return Verdict.MET if fits else Verdict.NEVER
