"""Field types that several kinds share: text outside, exact values inside (S2).

Each reads the text of a manifest or takes a value that was already read, and carries the
pattern that its JSON Schema shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, PlainSerializer, Strict, WithJsonSchema
from pydantic.types import StringConstraints

from reconciler.kinds.faults import describe_type, fault
from reconciler.model import times
from reconciler.model.codes import Code
from reconciler.model.ids import LABEL, SITE_CODE

T = TypeVar("T")
_DAY = timedelta(days=1)
_LARGEST_OFFSET = 31 * _DAY
_WALL_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

DURATION_PATTERN = r"[0-9]{1,9}[smhdw]"
_POSITIVE_PATTERN = r"(?!0+[smhdw])" + DURATION_PATTERN
INSTANT_PATTERN = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
DATE_PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
PERCENTAGE_PATTERN = r"(?!0+(\.0+)?%)(0?[0-9]{1,2}(\.[0-9]{1,6})?|100(\.0{1,6})?)%"


def text_reader(
    parse: Callable[[str], T], ready: type[T], code: Code, example: str
) -> BeforeValidator:
    """Make the validator that reads text with `parse`, whose ValueError says what is wrong."""

    def read(value: object) -> T:
        if isinstance(value, ready):
            return value
        if not isinstance(value, str):
            found = describe_type(value)
            raise fault(Code.WRONG_TYPE, f"expected {example}, found {found}")
        try:
            return parse(value)
        except ValueError as error:
            raise fault(code, str(error)) from error

    return BeforeValidator(read)


def schema_of(pattern: str, description: str) -> WithJsonSchema:
    """Show a field as text of a pattern."""
    return WithJsonSchema(
        {"type": "string", "pattern": f"^({pattern})$", "description": description}
    )


def _positive_duration(text: str) -> timedelta:
    span = times.parse_duration(text)
    if not span:
        message = f"{text!r} is zero, which this field cannot be"
        raise ValueError(message)
    return span


def _offset(text: str) -> timedelta:
    span = times.parse_duration(text, signed=True)
    if span % _DAY or abs(span) > _LARGEST_OFFSET:
        message = f"{text!r} is not a whole number of days between -31d and 31d"
        raise ValueError(message)
    return span


def _wall_time(text: str) -> time:
    match = _WALL_TIME.fullmatch(text)
    if match is None:
        message = f'{text!r} is not a wall time: write it as "22:00"'
        raise ValueError(message)
    hour, minute = match.groups()
    return time(int(hour), int(minute))


def _date(text: str) -> date:
    if _DATE.fullmatch(text) is None:
        message = f"{text!r} is not a date: write it as 2025-09-02"
        raise ValueError(message)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is not a date that exists: {error}"
        raise ValueError(message) from error


def _deadline(text: str) -> timedelta | datetime:
    """Read what begins like a date as an instant, all else as a duration."""
    if _DATE.match(text):
        return times.parse_instant(text)
    return times.parse_duration(text)


def _label(text: str) -> str:
    if LABEL.fullmatch(text) is None:
        message = (
            f"{text!r:.80} is not a name: write 1 to 63 of a-z, 0-9 and -,"
            " beginning and ending with a letter or digit"
        )
        raise ValueError(message)
    return text


def _site_code(text: str) -> str:
    if SITE_CODE.fullmatch(text) is None:
        message = f"{text!r:.80} is not a site code: write a capital and two capitals or digits"
        raise ValueError(message)
    return text


def _checked(check: Callable[[str], str], code: Code, example: str) -> BeforeValidator:
    def read(value: object) -> str:
        if not isinstance(value, str):
            raise fault(Code.WRONG_TYPE, f"expected {example}, found {describe_type(value)}")
        try:
            return check(value)
        except ValueError as error:
            raise fault(code, str(error)) from error

    return BeforeValidator(read)


_WRITE_DURATION = PlainSerializer(times.render_duration, return_type=str)
_WRITE_INSTANT = PlainSerializer(times.render_instant, return_type=str)

Duration = Annotated[
    timedelta,
    text_reader(_positive_duration, timedelta, Code.BAD_DURATION, "a duration such as 90m"),
    _WRITE_DURATION,
    schema_of(_POSITIVE_PATTERN, "One whole number above 0 and a unit of s m h d w, as 90m."),
]
DurationOrZero = Annotated[
    timedelta,
    text_reader(times.parse_duration, timedelta, Code.BAD_DURATION, "a duration such as 90m"),
    _WRITE_DURATION,
    schema_of(DURATION_PATTERN, "One whole number and a unit of s m h d w, as 0s or 90m."),
]
DayOffset = Annotated[
    timedelta,
    text_reader(_offset, timedelta, Code.BAD_OFFSET, "a number of days such as 4d"),
    _WRITE_DURATION,
    schema_of(r"-?[0-9]{1,9}[smhdw]", "Whole calendar days from -31d to 31d, as 4d or -1d."),
]
Instant = Annotated[
    datetime,
    text_reader(times.parse_instant, datetime, Code.BAD_INSTANT, "an instant"),
    _WRITE_INSTANT,
    schema_of(INSTANT_PATTERN, "RFC 3339 with an offset and seconds, as 2025-09-02T06:00:00Z."),
]
DateOrInstant = Annotated[
    datetime,
    text_reader(times.parse_date_or_instant, datetime, Code.BAD_INSTANT, "a date or an instant"),
    _WRITE_INSTANT,
    schema_of(f"{DATE_PATTERN}|{INSTANT_PATTERN}", "A date (its 00:00Z) or an RFC 3339 instant."),
]
Day = Annotated[
    date,
    text_reader(_date, date, Code.BAD_DATE, "a date such as 2025-09-02"),
    PlainSerializer(date.isoformat, return_type=str),
    schema_of(DATE_PATTERN, "A date, as 2025-09-02."),
]
WallTime = Annotated[
    time,
    text_reader(_wall_time, time, Code.BAD_WALL_TIME, 'a wall time such as "22:00"'),
    PlainSerializer(lambda clock: f"{clock:%H:%M}", return_type=str),
    schema_of("([01][0-9]|2[0-3]):[0-5][0-9]", 'A wall time, quoted, as "22:00".'),
]


def read_deadline(value: object) -> timedelta | datetime:
    """Read a duration or an instant."""
    if isinstance(value, timedelta | datetime):
        return value
    if not isinstance(value, str):
        found = describe_type(value)
        raise fault(Code.WRONG_TYPE, f"expected a duration or an instant, found {found}")
    code = Code.BAD_INSTANT if _DATE.match(value) else Code.BAD_DURATION
    try:
        return _deadline(value)
    except ValueError as error:
        raise fault(code, str(error)) from error


def render_deadline(due: timedelta | datetime) -> str:
    """Write a duration or an instant."""
    return times.render_duration(due) if isinstance(due, timedelta) else times.render_instant(due)


Deadline = Annotated[
    timedelta | datetime,
    BeforeValidator(read_deadline),
    PlainSerializer(render_deadline, return_type=str),
    schema_of(
        f"{DURATION_PATTERN}|{INSTANT_PATTERN}", "A duration after the opening, or an instant."
    ),
]
Percentage = Annotated[
    Fraction,
    text_reader(times.parse_percentage, Fraction, Code.BAD_PERCENTAGE, "a percentage such as 95%"),
    PlainSerializer(times.render_percentage, return_type=str),
    schema_of(PERCENTAGE_PATTERN, "Above 0% and at most 100%, as 95% or 0.5%."),
]
Text = Annotated[str, StringConstraints(pattern=r"\S")]
Label = Annotated[
    str,
    _checked(_label, Code.BAD_NAME, "a name"),
    schema_of("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", "An RFC 1123 label."),
]
SiteCode = Annotated[
    str,
    _checked(_site_code, Code.BAD_SITE_CODE, "a site code such as BAR"),
    schema_of("[A-Z][A-Z0-9]{2}", "A capital and two capitals or digits; begins every object id."),
]
# A manifest's list is a tuple inside, so that documents stay frozen.
Texts = Annotated[tuple[Text, ...], Strict(strict=False)]
Labels = Annotated[tuple[Label, ...], Strict(strict=False)]
