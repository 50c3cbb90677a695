"""Times in which nothing starts and nothing opens (S13a)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo

from pyroaring import BitMap, FrozenBitMap

from reconciler.desired.expansion import EMERGENCY
from reconciler.desired.state import DesiredState
from reconciler.kinds.freeze import FreezeSpec
from reconciler.kinds.timezones import zone_or_utc
from reconciler.model.policy import Windows
from reconciler.model.times import UTC
from reconciler.planning.collections import Collections
from reconciler.planning.conditions import ConditionType
from reconciler.planning.draft import Draft
from reconciler.planning.guidance import WindowClass
from reconciler.planning.windows import HORIZON, Interval, merge, occurrences
from reconciler.planning.world import RolloutView, World


def frozen_spans(
    spec: FreezeSpec, zone: tzinfo, begin: datetime, end: datetime
) -> tuple[Interval, ...]:
    """Give the merged spans that overlap [begin, end); wall times are the zone's by default."""
    if spec.window is not None:
        return merge(occurrences(spec.window, spec.window.zone or zone, begin, end))
    if spec.from_ is None or spec.until is None or spec.until <= begin or end <= spec.from_:
        return ()
    return ((spec.from_, spec.until),)


def freeze_windows(world: World, classes: Iterable[WindowClass]) -> tuple[WindowClass, ...]:
    """Cut the frozen spans out of the windows of those who are frozen (S13a).

    Spans that ended lately are cut out too: starts are spread from where an opening begins.
    """
    specs = [placed.document.spec for placed in world.desired.freezes.values()]
    if not specs:
        return tuple(classes)
    spread = longest_spread(world.desired)
    return tuple(cut for one in classes for cut in _cut_class(world, one, specs, spread))


def tell_freezes(world: World, classes: Iterable[WindowClass], draft: Draft) -> None:
    """Say which freezes hold now and how many they freeze, and wake where one begins or ends."""
    zones = [(zone_or_utc(one.zone), one.members) for one in classes]
    for name, placed in world.desired.freezes.items():
        spec, found = placed.document.spec, BitMap()
        covered = _covered(world.collections, spec)
        for zone, members in [(UTC, FrozenBitMap()), *zones]:
            spans = frozen_spans(spec, zone, world.now, world.now + HORIZON)
            for moment in (moment for span in spans for moment in span):
                draft.wake_at(moment)
            if any(begin <= world.now for begin, _ in spans):
                found |= members if covered is None else members & covered
        if found:
            message = f"{len(found)} computer(s) start nothing until it ends"
            draft.tell(f"Freeze/{name}", ConditionType.FROZEN, message)


def holds_opening(
    rollout: RolloutView, target: BitMap | FrozenBitMap, subject: str, draft: Draft
) -> bool:
    """Tell whether a phase may not open: its whole target is frozen, or everything is (S13a).

    For openings `local` is UTC. An emergency waits only for freezes that include emergencies.
    """
    world, frozen, names = rollout.world, BitMap(), []
    for name, placed in world.desired.freezes.items():
        spec = placed.document.spec
        if not _binds(spec, rollout.kind) or not frozen_at(spec, UTC, world.now):
            continue
        covered = _covered(world.collections, spec)
        names.append(name)
        frozen |= target if covered is None else covered & target
        if covered is None:
            break
    else:
        if not target or target - frozen:
            return False
    message = f"its opening waits for the end of freeze {', '.join(names)}"
    draft.tell(subject, ConditionType.FROZEN, message)
    return True


def longest_spread(desired: DesiredState) -> timedelta:
    """Give the longest spread of any phase."""
    spreads = (
        phase.spread for one in desired.rollouts.values() for phase in one.document.spec.phases
    )
    return max(spreads, default=timedelta(0))


def subtract(openings: Iterable[Interval], spans: Iterable[Interval]) -> tuple[Interval, ...]:
    """Give what is left of the openings outside the spans."""
    rest = list(openings)
    for begin, end in spans:
        cut: list[Interval] = []
        for opens_at, closes_at in rest:
            parts = ((opens_at, min(closes_at, begin)), (max(opens_at, end), closes_at))
            cut += [part for part in parts if part[0] < part[1]]
        rest = cut
    return tuple(rest)


def _cut_class(
    world: World, one: WindowClass, specs: Iterable[FreezeSpec], spread: timedelta
) -> Iterator[WindowClass]:
    since = one.windows.until - HORIZON - spread
    zone, until = zone_or_utc(one.zone), one.windows.until
    for chosen, members in split_by_freezes(world.collections, one.members, specs):
        spans = merge(span for spec in chosen for span in frozen_spans(spec, zone, since, until))
        binding = [spec for spec in chosen if spec.include_emergencies]
        some = merge(span for spec in binding for span in frozen_spans(spec, zone, since, until))
        emergency = _cut(one.windows, some, since) if some != spans else None
        yield WindowClass(members, _cut(one.windows, spans, since), one.zone, emergency)


def split_by_freezes(
    collections: Collections, members: FrozenBitMap, specs: Iterable[FreezeSpec]
) -> list[tuple[tuple[FreezeSpec, ...], FrozenBitMap]]:
    """Split computers by the freezes that cover them."""
    parts: list[tuple[tuple[FreezeSpec, ...], FrozenBitMap]] = [((), members)]
    for spec in specs:
        covered = _covered(collections, spec)
        split = []
        for chosen, who in parts:
            inside = who if covered is None else who & covered
            split += [(chosen, who - inside), ((*chosen, spec), inside)]
        parts = [(chosen, who) for chosen, who in split if who]
    return parts


def _cut(windows: Windows, spans: tuple[Interval, ...], since: datetime) -> Windows:
    if not spans:
        return windows
    always = ((since, windows.until),) if windows.always else ()
    return replace(
        windows,
        always=False,
        updates=subtract(always or windows.updates, spans),
        restarts=subtract(always or windows.restarts, spans),
        frozen=spans,
    )


def _covered(collections: Collections, spec: FreezeSpec) -> FrozenBitMap | None:
    """Give whom the freeze names; nothing where it is for all."""
    if not spec.collections:
        return None
    return FrozenBitMap.union(*(collections.guarded(name) for name in spec.collections))


def _binds(spec: FreezeSpec, kind: str) -> bool:
    return spec.include_emergencies or kind != EMERGENCY


def frozen_at(spec: FreezeSpec, zone: tzinfo, now: datetime) -> bool:
    """Tell whether the freeze holds at the instant."""
    spans = frozen_spans(spec, zone, now, now + timedelta(microseconds=1))
    return any(begin <= now < end for begin, end in spans)
