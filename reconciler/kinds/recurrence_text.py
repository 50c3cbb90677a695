"""Reading the text of a recurrence rule (RFC 5545), strictly (S4)."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from reconciler.kinds.recurrence import Recurrence

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_BY_DAY = re.compile(r"([+-]?[1-9][0-9]?)?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,4}", re.ASCII)
_UNTIL = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})", re.ASCII)
_LONGEST_RULE = 500
_LARGEST_COUNT = 9999
_TIMES_OF_DAY = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
# Which parts RFC 5545 forbids for a frequency; libraries drop them without a word.
_FORBIDDEN = {
    "DAILY": frozenset({"BYWEEKNO", "BYYEARDAY"}),
    "WEEKLY": frozenset({"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY"}),
    "MONTHLY": frozenset({"BYWEEKNO", "BYYEARDAY"}),
    "YEARLY": frozenset[str](),
}


@lru_cache(maxsize=4096)
def parse_recurrence(text: str) -> Recurrence:
    """Read `FREQ=WEEKLY;BYDAY=SA`; raises ValueError that says which part is wrong (S4)."""
    if len(text) > _LONGEST_RULE:
        message = f"the rule is longer than {_LONGEST_RULE} characters"
        raise ValueError(message)
    parts = _split(text)
    frequency = parts.pop("FREQ", "")
    if frequency not in _FREQUENCIES:
        message = (
            f"FREQ={frequency} is not one of {', '.join(_FREQUENCIES)}"
            if frequency
            else "FREQ is missing"
        )
        raise ValueError(message)
    _refuse_strangers(frequency, parts)
    rule = Recurrence(
        frequency,
        interval=_one_number(parts, "INTERVAL", 1, 1000) or 1,
        count=_one_number(parts, "COUNT", 1, _LARGEST_COUNT),
        until=_until(parts),
        by_month=_numbers(parts, "BYMONTH", 12, signed=False),
        by_month_day=_numbers(parts, "BYMONTHDAY", 31),
        by_year_day=_numbers(parts, "BYYEARDAY", 366),
        by_week_number=_numbers(parts, "BYWEEKNO", 53),
        by_day=_by_day(parts, frequency),
        by_set_position=_numbers(parts, "BYSETPOS", 366),
        week_start=_week_start(parts),
    )
    _refuse_contradictions(rule)
    return rule


def _split(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for piece in text.split(";"):
        name, equals, value = piece.partition("=")
        if not equals or not value or name != name.strip() or value != value.strip():
            message = f"{piece!r} is not a part such as FREQ=WEEKLY"
            raise ValueError(message)
        if name in parts:
            message = f"{name} stands twice"
            raise ValueError(message)
        parts[name] = value
    return parts


_KNOWN = frozenset(
    {
        "INTERVAL",
        "COUNT",
        "UNTIL",
        "BYMONTH",
        "BYMONTHDAY",
        "BYYEARDAY",
        "BYWEEKNO",
        "BYDAY",
        "BYSETPOS",
        "WKST",
    }
)


def _refuse_strangers(frequency: str, parts: dict[str, str]) -> None:
    for name in parts:
        if name in _TIMES_OF_DAY:
            message = f"{name} is not allowed: the time of day stands in start"
        elif name not in _KNOWN:
            message = f"{name} is not a part of a rule"
        elif name in _FORBIDDEN[frequency]:
            message = f"{name} means nothing with FREQ={frequency}"
        else:
            continue
        raise ValueError(message)


def _refuse_contradictions(rule: Recurrence) -> None:
    selects = (rule.by_month, rule.by_month_day, rule.by_year_day, rule.by_week_number, rule.by_day)
    if rule.count is not None and rule.until is not None:
        message = "COUNT and UNTIL exclude each other"
    elif rule.by_set_position and not any(selects):
        message = "BYSETPOS needs another BY part to choose from"
    elif rule.by_week_number and not rule.by_day:
        message = "BYWEEKNO needs BYDAY"
    elif rule.by_week_number and any(ordinal for ordinal, _ in rule.by_day):
        message = "BYDAY cannot count days, as in 2TU, beside BYWEEKNO"
    else:
        return
    raise ValueError(message)


def _number(name: str, text: str, low: int, high: int) -> int:
    if _NUMBER.fullmatch(text) is None or not low <= int(text) <= high:
        message = f"{name}={text} is not a whole number from {low} to {high}"
        raise ValueError(message)
    return int(text)


def _one_number(parts: dict[str, str], name: str, low: int, high: int) -> int | None:
    return _number(name, parts[name], low, high) if name in parts else None


def _numbers(
    parts: dict[str, str], name: str, high: int, *, signed: bool = True
) -> tuple[int, ...]:
    if name not in parts:
        return ()
    low = -high if signed else 1
    found = tuple(_number(name, item, low, high) for item in parts[name].split(","))
    if 0 in found:
        message = f"{name} counts from 1 or from -1, so 0 is none"
        raise ValueError(message)
    return tuple(sorted(set(found)))


def _until(parts: dict[str, str]) -> date | None:
    if "UNTIL" not in parts:
        return None
    match = _UNTIL.fullmatch(parts["UNTIL"])
    try:
        if match is not None:
            return date(*(int(part) for part in match.groups()))
    except ValueError:
        pass
    message = f"UNTIL={parts['UNTIL']} is not a date such as 20261231"
    raise ValueError(message)


def _by_day(parts: dict[str, str], frequency: str) -> tuple[tuple[int, int], ...]:
    return (
        tuple(_weekday(item, frequency) for item in parts["BYDAY"].split(","))
        if "BYDAY" in parts
        else ()
    )


def _weekday(item: str, frequency: str) -> tuple[int, int]:
    match = _BY_DAY.fullmatch(item)
    if match is None:
        message = f"BYDAY={item} is not a day such as SA or 2TU"
        raise ValueError(message)
    ordinal = int(match.group(1) or 0)
    if ordinal and frequency in {"DAILY", "WEEKLY"}:
        message = f"BYDAY={item} counts days, which needs FREQ=MONTHLY or YEARLY"
        raise ValueError(message)
    return ordinal, _WEEKDAYS.index(match.group(2))


def _week_start(parts: dict[str, str]) -> int:
    name = parts.get("WKST", "MO")
    if name not in _WEEKDAYS:
        message = f"WKST={name} is not one of {', '.join(_WEEKDAYS)}"
        raise ValueError(message)
    return _WEEKDAYS.index(name)
