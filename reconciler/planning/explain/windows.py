"""Whether a due run may start now by the computer's windows, and when one opens (S4, S13a)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from pyroaring import BitMap

from reconciler.kinds.timezones import zone_or_utc
from reconciler.model.policy import Offer
from reconciler.model.reasons import Reason
from reconciler.model.starts import offset_of, windows_of
from reconciler.model.times import render_duration, render_instant
from reconciler.planning.actions import Cause
from reconciler.planning.explain.case import Case, cause_of
from reconciler.planning.explain.chain import Step
from reconciler.planning.freezes import frozen_at
from reconciler.planning.windows import Interval, declared_windows, purpose_windows

_FAR = timedelta(days=400)


def window_step(case: Case, offer: Offer, *, fits: bool) -> Step:
    """Say that it may start now, or which of all reasons of time keeps it."""
    rule = _rule(case)
    if fits:
        told = "any time" if windows_of(offer, case.policy).always else "a window is open"
        return Step("window", told, at=case.now, rule=rule)
    now, windows = case.now, windows_of(offer, case.policy)
    offset = offset_of(offer, case.policy)
    frozen = [end + offset for begin, end in windows.frozen if begin <= now < end + offset]
    if frozen:
        told = "a freeze holds every start"
        return Step("window", told, Reason.FROZEN, now, _freeze(case), max(frozen))
    names = _bearing(case)
    if not declared_windows(case.world.desired, names):
        told = "none of its collections declares maintenanceWindows"
        return Step("window", told, Reason.NO_WINDOW, now, rule)
    openings = list(_openings(case, offer))
    if not openings:
        return Step("window", "no window opens again", Reason.NO_WINDOW_AHEAD, now, rule)
    return _closed(case, offer, openings, rule)


def _closed(case: Case, offer: Offer, openings: list[Interval], rule: Cause | None) -> Step:
    now, needed = case.now, offer.max_runtime
    runtime = render_duration(needed)
    rooms = [span for span in openings if span[1] - max(span[0], now) >= needed]
    if not rooms:
        told = f"no window is as long as the program's maxRuntime of {runtime}"
        return Step("window", told, Reason.WINDOW_TOO_SHORT, now, rule)
    offset = offset_of(offer, case.policy)
    begins_at, ends_at = rooms[0]
    if begins_at <= now < begins_at + offset:
        told = "its share of the phase's spread runs from the window's begin"
        return Step("window", told, Reason.SPREAD, now, rule, begins_at + offset)
    if begins_at <= now:
        told = f"other programs fill the window that ends {_both(ends_at, _zone(case))}"
        rooms = [span for span in rooms if now < span[0]]
        until = rooms[0][0] if rooms else None
        return Step("window", told, Reason.OUTSIDE_WINDOW, now, rule, until)
    told = f"the next window with room for {runtime} opens {_both(begins_at, _zone(case))}"
    return Step("window", told, Reason.OUTSIDE_WINDOW, now, rule, begins_at)


def _openings(case: Case, offer: Offer) -> Iterator[Interval]:
    """Give the openings ahead: what the computer is told, then what git declares after that."""
    windows = windows_of(offer, case.policy)
    yield from (span for span in windows.updates if case.now < span[1])
    declared = declared_windows(case.world.desired, _bearing(case))
    begin = max(case.now, windows.until)
    yield from purpose_windows(declared, "updates", _zone(case), begin, begin + _FAR)


def _zone(case: Case) -> tzinfo:
    only = BitMap([case.computer.ordinal])
    return next((zone for zone, _ in case.world.by_zone(only)), zone_or_utc(None))


def _both(moment: datetime, zone: tzinfo) -> str:
    """Give an instant in local time and in UTC."""
    local = moment.astimezone(zone)
    return f"{local:%a %Y-%m-%d %H:%M} {zone} ({render_instant(moment)})"


def _bearing(case: Case) -> list[str]:
    collections, ordinal = case.world.collections, case.computer.ordinal
    return [
        name
        for name, placed in case.world.desired.collections.items()
        if placed.document.spec.maintenance_windows is not None
        and ordinal in collections.members(name)
    ]


def _rule(case: Case) -> Cause | None:
    desired = case.world.desired
    for name in _bearing(case):
        field = ("spec", "maintenanceWindows")
        return cause_of(desired.collections[name], field, "S4", "its windows")
    return None


def _freeze(case: Case) -> Cause | None:
    """Name a freeze whose span holds now, for the computer."""
    collections, ordinal = case.world.collections, case.computer.ordinal
    for placed in case.world.desired.freezes.values():
        spec = placed.document.spec
        covers = not spec.collections or any(
            ordinal in collections.guarded(name) for name in spec.collections
        )
        if covers and frozen_at(spec, _zone(case), case.now):
            return cause_of(placed, ("spec",), "S13a", "what it freezes")
    return None
