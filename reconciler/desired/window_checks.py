"""Maintenance windows that never open, or never long enough (S4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache

from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.kinds.collection import Collection
from reconciler.kinds.maintenance_window import MaintenanceWindow
from reconciler.kinds.recurrence_text import parse_recurrence
from reconciler.kinds.rollout import Rollout
from reconciler.model.codes import Code
from reconciler.model.problems import Location, Problem, Severity
from reconciler.model.times import render_duration

_LOOK_AHEAD = timedelta(days=400)
_LONGEST_OFFSET = timedelta(days=31)
_MOST_DATES = 1000


def check_windows(state: DesiredState, now: datetime) -> Iterator[Problem]:
    """Tell of windows that do not occur."""
    for placed in state.collections.values():
        yield from _names(placed)
        for number, window in enumerate(windows_of(placed)):
            field = (*_field(number), "recurrence")
            yield from check_occurrence(
                placed.locate(field), f'window "{window.name}"', window, now
            )


def windows_of(placed: Placed[Collection]) -> tuple[MaintenanceWindow, ...]:
    """Give the windows that a collection declares; none where it says `always` or nothing."""
    declared = placed.document.spec.maintenance_windows
    return declared if isinstance(declared, tuple) else ()


def _names(placed: Placed[Collection]) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, window in enumerate(windows_of(placed)):
        if window.name in seen:
            message = f'window "{window.name}" has the name of an earlier one'
            at = placed.locate((*_field(number), "name"))
            yield Problem(at, Code.DUPLICATE_WINDOW.value, message, "rename one of them")
        seen.add(window.name)


def check_occurrence(
    at: Location, what: str, window: MaintenanceWindow, now: datetime
) -> Iterator[Problem]:
    """A window without any date is an error, one whose dates are over a warning (S28)."""
    if _next_day(window.recurrence, window.anchor, None) is None:
        message = f"{what} never occurs: no day fits {window.recurrence}"
        yield Problem(at, Code.WINDOW_NEVER_OCCURS.value, message)
        return
    # A window that began the day before may still be open, in some zone.
    since = now.date() - window.offset - window.nominal_length - timedelta(days=1)
    if _next_day(window.recurrence, window.anchor, since) is None:
        message = f"{what} does not occur any more"
        hint = "take it out, or change COUNT or UNTIL"
        yield Problem(at, Code.WINDOW_ENDED.value, message, hint, Severity.WARNING)


@lru_cache(maxsize=4096)
def _next_day(recurrence: str, anchor: date | None, since: date | None) -> date | None:
    return next(parse_recurrence(recurrence).dates(anchor, since=since), None)


def check_room(
    state: DesiredState, rollouts: Mapping[str, Placed[Rollout]], now: datetime
) -> Iterator[Problem]:
    """Compare the longest run of each group that is rolled out with the longest windows.

    Where no collection at all has room it is an error, unless only time brought it: some windows
    end. Where only the phase's own collection has none it is a warning: its computers may be in
    others too.
    """
    if not rollouts:
        return
    everywhere = _longest(tuple(state.collections.values()), now)
    anywhere = _has_unlimited(state)
    for rollout in rollouts.values():
        group = _group_of(state, rollout.document.spec.authorization)
        if group is None:
            continue
        needed = state.update_groups[group].document.spec.max_runtime
        if everywhere is not None and everywhere < needed and not anywhere:
            message = _too_short(group, needed, everywhere, "any collection")
            at = state.update_groups[group].locate(("spec", "maxRuntime"))
            severity = Severity.WARNING if _some_end(state) else Severity.ERROR
            yield Problem(at, Code.WINDOWS_TOO_SHORT.value, message, _ROOM_HINT, severity)
            continue
        for number, phase in enumerate(rollout.document.spec.phases):
            target = state.collections.get(phase.collection)
            longest = _longest((target,), now) if target is not None else None
            if longest is not None and longest < needed:
                where = f'collection "{phase.collection}"'
                message = _too_short(group, needed, longest, where)
                at = rollout.locate(("spec", "phases", number, "collection"))
                code = Code.WINDOWS_TOO_SHORT.value
                yield Problem(at, code, message, _ROOM_HINT, Severity.WARNING)


_ROOM_HINT = "lengthen a window, or lower maxRuntime"


def _too_short(group: str, needed: timedelta, longest: timedelta, where: str) -> str:
    return (
        f'update group "{group}" needs {render_duration(needed)},'
        f" and the longest window of {where} has {render_duration(longest)}"
    )


def _group_of(state: DesiredState, authorization: str) -> str | None:
    placed = state.authorizations.get(authorization)
    group = placed.document.spec.group if placed is not None else None
    return group if group in state.update_groups else None


def _has_unlimited(state: DesiredState) -> bool:
    """Tell whether some computers may need no window at all."""
    return any(
        placed.document.spec.maintenance_windows == "always"
        for placed in state.collections.values()
    ) or any(site.document.spec.windowless == "always" for site in state.sites.values())


def _some_end(state: DesiredState) -> bool:
    return any(
        window.rule.until is not None or window.rule.count is not None
        for placed in state.collections.values()
        for window in windows_of(placed)
    )


def _longest(placed: tuple[Placed[Collection], ...], now: datetime) -> timedelta | None:
    """Give the longest merged opening for updates, by the clock on the wall.

    Nothing where no window is declared; zones and changes of the clock are left aside, which
    at worst takes windows of different zones as touching.
    """
    declared = [window for one in placed for window in windows_of(one)]
    for_updates = [window for window in declared if window.serves("updates")] or declared
    if not for_updates:
        return None
    shapes = {_shape(window): window for window in for_updates}
    openings = sorted(span for window in shapes.values() for span in _openings(window, now))
    longest, until = timedelta(0), datetime.min  # noqa: DTZ901  # wall times have no zone
    begin = until
    for opens, closes in openings:
        begin = opens if opens > until else begin
        until = max(until, closes)
        longest = max(longest, until - begin)
    return longest


def _shape(window: MaintenanceWindow) -> tuple[object, ...]:
    """Give what decides when it opens, so that windows alike are looked at once."""
    span = (window.start, window.nominal_length, window.offset)
    return (window.recurrence, window.anchor, *span)


def _openings(window: MaintenanceWindow, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    first = now.date() - _LONGEST_OFFSET
    for number, day in enumerate(window.rule.dates(window.anchor, since=first)):
        if (number and day > first + _LOOK_AHEAD) or number > _MOST_DATES:
            return
        opens = datetime.combine(day + window.offset, window.start)
        yield opens, opens + window.nominal_length


def _field(number: int) -> FieldPath:
    return ("spec", "maintenanceWindows", number)
