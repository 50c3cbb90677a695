"""When programs may start: maintenance windows in the computers' zones (S3, S4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from functools import partial
from typing import Literal
from zoneinfo import ZoneInfo

from pyroaring import BitMap, FrozenBitMap

from reconciler.desired.site_zones import zone_of_site
from reconciler.desired.state import DesiredState
from reconciler.kinds.maintenance_window import MaintenanceWindow
from reconciler.kinds.timezones import find_zone
from reconciler.model.policy import Windows
from reconciler.model.times import UTC
from reconciler.observed.memo import Memo
from reconciler.observed.part import AnyFleet
from reconciler.planning.collections import Collections
from reconciler.planning.conditions import Condition, ConditionType
from reconciler.planning.guidance import WindowClass

HORIZON = timedelta(days=15)
ZONE_FACT = "timezone"
_ZONES_APART = timedelta(days=2)
_FAR = timedelta(days=50 * 366)

Interval = tuple[datetime, datetime]
Purpose = Literal["updates", "restarts"]


def resolve_wall_time(day: date, clock: time, zone: tzinfo) -> datetime:
    """Give the UTC instant of a wall time: in a DST gap the gap's end, else the first (S3)."""
    wall = datetime.combine(day, clock)
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    # In a gap fold=0 applies the offset from before it, which lands as far behind its end as
    # the wall time is behind its begin.
    after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _end_of_gap(min(moment, after), max(moment, after), zone)


def occurrences(
    window: MaintenanceWindow, zone: tzinfo, begin: datetime, end: datetime
) -> Iterator[Interval]:
    """Give the window's openings that overlap [begin, end), in order of their dates (S4).

    A date that the zone skips has none, and neither has one whose opening lies in a gap whole.
    """
    reach = window.nominal_length + _ZONES_APART
    for day in _days(window, begin - reach, end + _ZONES_APART):
        opens_at = resolve_wall_time(day, window.start, zone)
        closes_at = _closing(window, day, opens_at, zone)
        if max(opens_at, begin) < min(closes_at, end) and _exists(day, zone):
            yield opens_at, closes_at


def merge(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Unite intervals; touching ones become one (S4)."""
    merged: list[Interval] = []
    for opens_at, closes_at in sorted(intervals):
        if merged and opens_at <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closes_at))
        else:
            merged.append((opens_at, closes_at))
    return tuple(merged)


def purpose_windows(
    windows: Sequence[MaintenanceWindow],
    purpose: Purpose,
    zone: tzinfo,
    begin: datetime,
    end: datetime,
) -> tuple[Interval, ...]:
    """Give the merged openings for a purpose; with windows for the other only, those serve (S4)."""
    return merge(
        interval
        for window in _serving(windows, purpose)
        for interval in occurrences(window, window.zone or zone, begin, end)
    )


def window_classes(
    desired: DesiredState, collections: Collections, memo: Memo, site_name: str, now: datetime
) -> tuple[tuple[WindowClass, ...], tuple[Condition, ...]]:
    """Split the fleet by window-bearing collections and zone, and open each class's windows.

    The openings reach from the begin of the day of `now` for `HORIZON`, so that they change
    once a day only. Without any window a class may start at any time where one of its
    collections or its site says so, and nowhere else (S4).
    """
    begin = datetime.combine(now.date(), time(), UTC)
    site = desired.sites.get(site_name)
    windowless = site is not None and site.document.spec.windowless == "always"
    site_zone = zone_of_site(desired, site_name)
    classes: list[WindowClass] = []
    found: list[Condition] = []
    without = BitMap()
    for (names, zone), members in _classes(desired, collections, memo, site_zone):
        declared = declared_windows(desired, names)
        always = not declared and (windowless or bool(names))
        if not declared and not always:
            without |= members
        (updates, restarts), is_ahead = memo.value(
            ("openings", names, zone.key),
            begin,
            partial(_openings_of_day, declared, zone, begin),
        )
        windows = Windows(always, updates, begin + HORIZON, restarts)
        classes.append(WindowClass(members, windows, zone.key))
        if declared and not (is_ahead or _any_ahead(declared, zone, now)):
            found.append(_no_window_ahead(site_name, members, names))
    if without:
        found.append(_no_window(site_name, without))
    bad = _badly_zoned(memo)
    if bad:
        found.append(_bad_timezone(site_name, bad))
    return tuple(classes), tuple(found)


def split_by_windows(
    desired: DesiredState,
    collections: Collections,
    memo: Memo,
    members: BitMap | FrozenBitMap,
    site_zone: ZoneInfo,
) -> Iterator[tuple[tuple[str, ...], ZoneInfo, FrozenBitMap]]:
    """Split some computers by window-bearing collections and zone, as `window_classes` does."""
    for (names, zone), who in _classes(desired, collections, memo, site_zone):
        if who & members:
            yield names, zone, who & members


def _classes(
    desired: DesiredState, collections: Collections, memo: Memo, site_zone: ZoneInfo
) -> list[tuple[tuple[tuple[str, ...], ZoneInfo], FrozenBitMap]]:
    """Give each class once: the collections with windows that its computers are in, its zone."""

    def split(fleet: AnyFleet) -> dict[tuple[tuple[str, ...], str], BitMap]:
        zones = _zones(fleet, site_zone)
        classes = _by_collections(desired, fleet, collections)
        return {
            (names, zone): who & there
            for names, who in classes.items()
            for zone, there in zones.items()
            if not who.isdisjoint(there)
        }

    bearing = [
        collections.members(name)
        for name, placed in desired.collections.items()
        if placed.document.spec.maintenance_windows is not None
    ]
    classes = memo.sets("window classes", site_zone.key, split, *bearing)
    return [((names, ZoneInfo(zone)), classes[names, zone]) for names, zone in sorted(classes)]


def _openings_of_day(
    declared: Sequence[MaintenanceWindow], zone: tzinfo, begin: datetime
) -> tuple[tuple[tuple[Interval, ...], tuple[Interval, ...]], bool]:
    """Give a day's openings for updates and restarts, and whether any comes after the day."""
    until = begin + HORIZON
    updates = purpose_windows(declared, "updates", zone, begin, until)
    restarts = purpose_windows(declared, "restarts", zone, begin, until)
    return (updates, restarts), _any_ahead(declared, zone, begin + timedelta(days=1))


def split_by_zone(
    memo: Memo, members: BitMap | FrozenBitMap, site_zone: ZoneInfo
) -> Iterator[tuple[ZoneInfo, FrozenBitMap]]:
    """Split some computers by the zone in which their wall times are read (S3)."""
    zones = memo.sets("zones", site_zone.key, lambda fleet: _zones(fleet, site_zone))
    rest = FrozenBitMap(members)
    for zone in sorted(zones):
        part = rest & zones[zone] if zone != site_zone.key else FrozenBitMap()
        rest = rest - part
        if part:
            yield ZoneInfo(zone), part
    if rest:
        yield site_zone, rest


def _days(window: MaintenanceWindow, begin: datetime, end: datetime) -> Iterator[date]:
    """Give the recurrence's dates, moved by the offset, in the range."""
    for found in window.rule.dates(window.first_day, since=(begin - window.offset).date()):
        day = found + window.offset
        if day > end.date():
            return
        yield day


def _closing(window: MaintenanceWindow, day: date, opens_at: datetime, zone: tzinfo) -> datetime:
    """A duration is elapsed time, an end the next such wall time (S4)."""
    if window.duration is not None:
        return opens_at + window.duration
    if window.end is None:
        return opens_at
    crosses_midnight = window.end <= window.start
    return resolve_wall_time(day + timedelta(days=crosses_midnight), window.end, zone)


def _exists(day: date, zone: tzinfo) -> bool:
    """Tell whether the zone has the date at all (S3)."""
    return resolve_wall_time(day, time(), zone).astimezone(zone).date() == day


def _end_of_gap(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """Find the instant between the two at which the zone's offset changes, to the second."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def _by_collections(
    desired: DesiredState, fleet: AnyFleet, collections: Collections
) -> dict[tuple[str, ...], BitMap]:
    """Split the fleet by the set of window-bearing collections that a computer is in."""
    classes: dict[tuple[str, ...], BitMap] = {(): BitMap(fleet.enrolled)}
    for name, placed in desired.collections.items():
        if placed.document.spec.maintenance_windows is None:
            continue
        members = collections.members(name)
        split: dict[tuple[str, ...], BitMap] = {}
        for names, who in classes.items():
            split[names] = who - members
            split[(*names, name)] = who & members
        # Without this the classes double with every collection.
        classes = {names: who for names, who in split.items() if who}
    return {names: who for names, who in classes.items() if who}


def declared_windows(desired: DesiredState, names: Iterable[str]) -> tuple[MaintenanceWindow, ...]:
    """Give the windows that the collections declare, in their order."""
    found: list[MaintenanceWindow] = []
    for name in names:
        windows = desired.collections[name].document.spec.maintenance_windows
        if windows is not None and not isinstance(windows, str):
            found.extend(windows)
    return tuple(found)


def _zones(fleet: AnyFleet, site_zone: ZoneInfo) -> dict[str, BitMap]:
    """Split the enrolled by their own zone where they tell one that is known, else the site's."""
    zones: dict[str, BitMap] = {}
    rest = BitMap(fleet.enrolled)
    for zone, who in _told_zones(fleet):
        zones[zone] = zones.get(zone, BitMap()) | (who & fleet.enrolled)
        rest -= who
    zones[site_zone.key] = zones.get(site_zone.key, BitMap()) | rest
    return zones


def _told_zones(fleet: AnyFleet) -> Iterator[tuple[str, FrozenBitMap]]:
    column = fleet.fact(ZONE_FACT)
    for text in column.texts() if column is not None else ():
        zone = find_zone(text)
        if column is not None and zone is not None:
            yield zone.key, column.having(text)


def _badly_zoned(memo: Memo) -> FrozenBitMap:
    """Give whose told zone nobody knows (S3)."""

    def bad(fleet: AnyFleet) -> BitMap:
        column = fleet.fact(ZONE_FACT)
        told = column.present & fleet.enrolled if column is not None else BitMap()
        return told - BitMap.union(BitMap(), *(who for _, who in _told_zones(fleet)))

    return memo.members("badly zoned", (), bad)


def _serving(windows: Sequence[MaintenanceWindow], purpose: Purpose) -> Sequence[MaintenanceWindow]:
    return [window for window in windows if window.serves(purpose)] or windows


def _any_ahead(windows: Sequence[MaintenanceWindow], zone: tzinfo, now: datetime) -> bool:
    return any(
        True
        for window in _serving(windows, "updates")
        for _ in occurrences(window, window.zone or zone, now, now + _FAR)
    )


def _bad_timezone(site: str, members: FrozenBitMap) -> Condition:
    message = f"{len(members)} computer(s) tell a time zone that is not known; their site's counts"
    return Condition(f"Site/{site}", ConditionType.BAD_TIMEZONE, message)


def _no_window(site: str, members: BitMap) -> Condition:
    message = f"{len(members)} computer(s) are in no collection with maintenanceWindows"
    return Condition(f"Site/{site}", ConditionType.NO_WINDOW, message)


def _no_window_ahead(site: str, members: FrozenBitMap, names: Sequence[str]) -> Condition:
    where = ", ".join(names)
    message = f"no window of {where} opens again for {len(members)} computer(s)"
    return Condition(f"Site/{site}", ConditionType.NO_WINDOW_AHEAD, message)
