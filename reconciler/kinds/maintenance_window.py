"""Hours in which computers may be changed (S4)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from reconciler.kinds.base import Model
from reconciler.kinds.faults import describe_type, fault
from reconciler.kinds.fields import Day, DayOffset, Duration, Label, WallTime
from reconciler.kinds.forms import exactly_one
from reconciler.kinds.recurrence import DEFAULT_ANCHOR, Recurrence
from reconciler.kinds.recurrence_text import parse_recurrence
from reconciler.kinds.timezones import LOCAL, TimezoneOrLocal, find_zone
from reconciler.model.codes import Code


def _check_rule(value: object) -> str:
    if not isinstance(value, str):
        raise fault(Code.WRONG_TYPE, f"expected a recurrence, found {describe_type(value)}")
    try:
        parse_recurrence(value)
    except ValueError as error:
        hint = 'write a rule of RFC 5545 such as "FREQ=WEEKLY;BYDAY=SA"'
        raise fault(Code.BAD_RECURRENCE, str(error), hint) from error
    return value


RecurrenceText = Annotated[
    str,
    BeforeValidator(_check_rule),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "(^|;)FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;|$)",
            "description": "A rule of RFC 5545 over days, as FREQ=WEEKLY;BYDAY=SA.",
        }
    ),
]


def check_length(duration: timedelta | None, end: time | None) -> None:
    """Refuse a window with both duration and end, or neither (S4)."""
    if (duration is None) == (end is None):
        found = "neither" if duration is None else "both"
        message = f"give either duration or end; found {found}"
        raise fault(Code.WINDOW_LENGTH, message, at=("end",))


def check_anchor(recurrence: str, anchor: date | None) -> None:
    """Refuse a rule that leaves open from which day it counts (S4)."""
    if anchor is None and parse_recurrence(recurrence).needs_anchor:
        message = f"the rule {recurrence} leaves open from which day it counts"
        hint = "give anchor: the date of a first day"
        raise fault(Code.ANCHOR_MISSING, message, hint, at=("recurrence",))


class MaintenanceWindow(Model):
    """A recurring span in which programs or restarts may start (S4).

    `duration` is elapsed time, `end` the next such wall time. A rule that says nothing firm
    without a first date needs an `anchor`.
    """

    model_config = ConfigDict(json_schema_extra=exactly_one("duration", "end"))

    name: Label = Field(description="Unique within the collection.")
    recurrence: RecurrenceText = Field(description="On which days: a rule of RFC 5545.")
    anchor: Day | None = Field(
        default=None,
        description="The rule's first date; required with INTERVAL > 1, COUNT or an open day.",
    )
    offset: DayOffset = Field(
        default=timedelta(0), description="Calendar days added to each date, from -31d to 31d."
    )
    start: WallTime = Field(description="When it opens, as a wall time of `timezone`.")
    duration: Duration | None = Field(default=None, description="How long; or give `end`.")
    end: WallTime | None = Field(default=None, description="When it closes; or give `duration`.")
    timezone: TimezoneOrLocal = Field(
        default=LOCAL, description="`local` is each computer's own; else an IANA name."
    )
    for_: Literal["updates", "restarts", "all"] = Field(
        default="all", description="What may start in it."
    )

    @model_validator(mode="after")
    def _check_shape(self) -> Self:
        check_length(self.duration, self.end)
        check_anchor(self.recurrence, self.anchor)
        return self

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of its wall times; nothing where it is each computer's own."""
        return None if self.timezone == LOCAL else find_zone(self.timezone)

    @cached_property
    def rule(self) -> Recurrence:
        """The recurrence, read."""
        return parse_recurrence(self.recurrence)

    @property
    def first_day(self) -> date:
        """The day from which the rule counts (S4)."""
        return self.anchor or DEFAULT_ANCHOR

    @property
    def nominal_length(self) -> timedelta:
        """Its length on a day without a change of the clock."""
        if self.duration is not None:
            return self.duration
        if self.end is None:
            return timedelta(0)
        day = date(2000, 1, 1)
        length = datetime.combine(day, self.end) - datetime.combine(day, self.start)
        return length if length > timedelta(0) else length + timedelta(days=1)

    def serves(self, purpose: Literal["updates", "restarts"]) -> bool:
        """Tell whether the purpose may start in it."""
        return self.for_ in {purpose, "all"}
