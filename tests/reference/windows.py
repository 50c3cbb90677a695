"""When one computer may be changed (S3, S4)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from reconciler.kinds.maintenance_window import MaintenanceWindow
from reconciler.model.computers import Computer
from tests.reference.sight import SITE, Sight

Span = tuple[datetime, datetime]
DAY = timedelta(days=1)
_LONGEST = timedelta(days=40)
"""Longer than any window that the worlds draw, with its offset."""
_AROUND = (datetime(2025, 6, 1), datetime(2028, 1, 1))  # noqa: DTZ001  # days have no zone


@lru_cache(maxsize=64)
def known_zone(name: object) -> ZoneInfo | None:
    """Give an IANA zone of the tzdata in use, or nothing (S3)."""
    if not isinstance(name, str) or not name:
        return None
    entry = files("tzdata").joinpath("zoneinfo", name)
    if not entry.is_file():
        return None
    with entry.open("rb") as opened:
        return ZoneInfo.from_file(opened, key=name)


def local_zone(sight: Sight, computer: Computer) -> ZoneInfo:
    """Give the zone that a computer tells, else its site's or the nearest ancestor's (S3)."""
    zone = known_zone(computer.facts.get("timezone"))
    site: str | None = SITE
    while zone is None and site is not None and site in sight.desired.sites:
        spec = sight.desired.sites[site].document.spec
        zone, site = known_zone(spec.timezone), spec.parent
    return zone or ZoneInfo("UTC")


def instant_of(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Give the instant of a wall time: in a gap its end, of an ambiguous one the first (S3)."""
    wall = datetime.combine(day, clock)
    while not _exists(wall, zone):
        wall += timedelta(minutes=1)
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _exists(wall: datetime, zone: ZoneInfo) -> bool:
    back = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return back.replace(tzinfo=None) == wall


@lru_cache(maxsize=256)
def days_of(recurrence: str, anchor: date) -> tuple[date, ...]:
    """Give the days of a rule in the years around the worlds; a library reads it (S4)."""
    rule = rrulestr(recurrence, dtstart=datetime.combine(anchor, time()))
    begin, end = _AROUND
    return tuple(moment.date() for moment in rule.between(begin, end, inc=True))


@lru_cache(maxsize=65536)
def opening_on(window: MaintenanceWindow, zone: ZoneInfo, day: date) -> Span | None:
    """Give the opening of a day, or nothing where the day or the opening does not exist (S4)."""
    if not any(_exists(datetime.combine(day, time(hour)), zone) for hour in range(24)):
        return None
    opened = instant_of(day, window.start, zone)
    if window.duration is not None:
        return opened, opened + window.duration
    assert window.end is not None
    following = day + DAY if window.end <= window.start else day
    closed = instant_of(following, window.end, zone)
    return (opened, closed) if opened < closed else None


def occurrences(
    window: MaintenanceWindow, zone: ZoneInfo, begin: datetime, end: datetime
) -> Iterator[Span]:
    """Give the openings that touch a span, in order of their days (S4)."""
    for fitting in days_of(window.recurrence, window.anchor or date(2000, 1, 1)):
        day = fitting + window.offset
        if begin.date() - _LONGEST <= day <= end.date() + _LONGEST:
            found = opening_on(window, zone, day)
            if found is not None and found[0] < end and begin < found[1]:
                yield found


def merged(spans: list[Span]) -> list[Span]:
    """Join spans that overlap or touch (S4)."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def windows_of(
    sight: Sight, computer: Computer, members: Mapping[str, set[str]], purpose: str
) -> list[MaintenanceWindow] | str:
    """Give the windows of a computer for a purpose, or `always` or `never` (S4)."""
    specs = [
        placed.document.spec
        for name, placed in sight.desired.collections.items()
        if computer.name in members[name]
    ]
    declared = [
        window
        for spec in specs
        if isinstance(spec.maintenance_windows, tuple)
        for window in spec.maintenance_windows
    ]
    fitting = [window for window in declared if window.for_ in {purpose, "all"}]
    if declared:
        return fitting or declared
    site = sight.desired.sites[SITE].document.spec
    says_always = any(spec.maintenance_windows == "always" for spec in specs)
    return "always" if says_always or site.windowless == "always" else "never"


def openings(
    sight: Sight,
    computer: Computer,
    members: Mapping[str, set[str]],
    purpose: str,
    span: Span,
) -> list[Span]:
    """Give when a computer may be changed within a span, merged and cut to it (S4)."""
    found, (begin, end) = windows_of(sight, computer, members, purpose), span
    if found == "always":
        return [(begin, end)]
    if isinstance(found, str):
        return []
    spans: list[Span] = []
    for window in found:
        zone = local_zone(sight, computer)
        if window.timezone != "local":
            zone = known_zone(window.timezone) or zone
        spans += occurrences(window, zone, begin, end)
    return [(max(one, begin), min(other, end)) for one, other in merged(spans)]
