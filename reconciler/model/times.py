"""Durations, instants and percentages as manifests write them (S2)."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction

UTC = timezone.utc
ZERO = timedelta(0)

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DURATION = re.compile(r"(-?)([0-9]{1,9})([smhdw])", re.ASCII)
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_PERCENTAGE = re.compile(r"([0-9]{1,3})(\.[0-9]{1,6})?%", re.ASCII)
_MICROSECOND_DIGITS = 6
_FIRST_YEAR, _LAST_YEAR = 1000, 9799
_LONGEST = timedelta(days=36600)


def parse_duration(text: str, *, signed: bool = False) -> timedelta:
    """Read `90m` or `7d`; a sign only where the field allows one (S2).

    Raises ValueError that says how a duration is written.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        message = f"{text!r} is not a duration: write one whole number and one of s m h d w, as 90m"
        raise ValueError(message)
    sign, number, unit = match.groups()
    if sign and not signed:
        message = f"{text!r} has a sign, which only an offset may have"
        raise ValueError(message)
    if int(number) > _LONGEST / _UNITS[unit]:
        message = f"{text!r} is longer than a hundred years"
        raise ValueError(message)
    return int(number) * _UNITS[unit] * (-1 if sign else 1)


def render_duration(span: timedelta) -> str:
    """Write a duration in its largest whole unit; whole seconds only."""
    seconds = int(span.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    for unit in "wdhm":
        size = int(_UNITS[unit].total_seconds())
        if seconds and seconds % size == 0:
            return f"{sign}{seconds // size}{unit}"
    return f"{sign}{seconds}s"


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 instant with an offset and seconds, as aware UTC (S1, S2).

    It lies so far from the ends of the calendar that any durations and zones can be added to it.
    Raises ValueError that says how an instant is written.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        message = f"{text!r} is not an instant: write it as 2025-09-02T06:00:00Z"
        raise ValueError(message)
    day, clock, fraction, offset = match.groups()
    digits = (fraction or ".0")[1 : 1 + _MICROSECOND_DIGITS].ljust(_MICROSECOND_DIGITS, "0")
    zone = "+00:00" if offset in {"Z", "z"} else offset
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}.{digits}{zone}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = f"{text!r} is not an instant that exists: {error}"
        raise ValueError(message) from error
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        message = f"{text!r} is not in the years {_FIRST_YEAR} to {_LAST_YEAR}"
        raise ValueError(message)
    return moment


def render_instant(moment: datetime) -> str:
    """Write an aware instant as RFC 3339 in UTC, with a fraction only where it has one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_date_or_instant(text: str) -> datetime:
    """Read a date (its 00:00Z) or an instant, as `released` takes them (S2)."""
    if _DATE.fullmatch(text):
        try:
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        except ValueError as error:
            message = f"{text!r} is not a date that exists: {error}"
            raise ValueError(message) from error
    return parse_instant(text)


def parse_percentage(text: str) -> Fraction:
    """Read `12%` or `0.5%` exactly, as a fraction with 0 < p <= 1 (S2)."""
    match = _PERCENTAGE.fullmatch(text)
    if match is None:
        message = f"{text!r} is not a percentage: write it as 95% or 0.5%"
        raise ValueError(message)
    share = Fraction("".join(part or "" for part in match.groups())) / 100
    if not 0 < share <= 1:
        message = f"{text!r} is not above 0% and at most 100%"
        raise ValueError(message)
    return share


def render_percentage(share: Fraction) -> str:
    """Write a share as a percentage, exactly where six places can."""
    number = f"{float(share * 100):.6f}".rstrip("0").rstrip(".")
    return f"{number}%"


def later(first: datetime, *others: datetime | None) -> datetime:
    """Give the latest of the instants, leaving out those that are absent."""
    return max([first, *(moment for moment in others if moment is not None)])
