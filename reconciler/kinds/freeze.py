"""Times in which nothing starts (S13a)."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from reconciler.kinds.base import Document, Model, outside_name
from reconciler.kinds.faults import fault
from reconciler.kinds.fields import Day, DayOffset, Duration, Instant, Labels, Text, WallTime
from reconciler.kinds.forms import Schema, absent, exactly_one, given
from reconciler.kinds.maintenance_window import (
    MaintenanceWindow,
    RecurrenceText,
    check_anchor,
    check_length,
)
from reconciler.kinds.timezones import LOCAL, TimezoneOrLocal
from reconciler.model.codes import Code

_SPAN = ("from_", "until")
_WINDOW = ("recurrence", "anchor", "offset", "start", "duration", "end", "timezone")
_ONCE: Schema = {"allOf": [given("from", "until"), absent(*_WINDOW)]}
_AGAIN: Schema = {
    "allOf": [
        given("recurrence", "start"),
        absent("from", "until"),
        exactly_one("duration", "end"),
    ]
}


class FreezeSpec(Model):
    """One span from an instant until another, or spans that recur as windows do (S13a)."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [_ONCE, _AGAIN]})

    from_: Instant | None = Field(default=None, description="When it begins, if it is one span.")
    until: Instant | None = Field(default=None, description="When that span ends.")
    recurrence: RecurrenceText | None = Field(
        default=None, description="On which days it begins, if it recurs: a rule of RFC 5545."
    )
    anchor: Day | None = Field(
        default=None,
        description="The rule's first date; required with INTERVAL > 1, COUNT or an open day.",
    )
    offset: DayOffset | None = Field(
        default=None, description="Calendar days added to each date, from -31d to 31d."
    )
    start: WallTime | None = Field(default=None, description="When it begins on these days.")
    duration: Duration | None = Field(default=None, description="How long; or give `end`.")
    end: WallTime | None = Field(default=None, description="When it ends; or give `duration`.")
    timezone: TimezoneOrLocal | None = Field(
        default=None, description="Of wall times; without it, each computer's own."
    )
    collections: Labels = Field(
        default=(), description="Names of the frozen Collections; none = everything."
    )
    include_emergencies: bool = Field(
        default=False, description="Whether emergencies wait for its end too."
    )
    reason: Text | None = Field(default=None, description="Why nothing may start.")

    @model_validator(mode="after")
    def _check_span(self) -> Self:
        """Take either one span or one that recurs, whole."""
        recurs = [outside_name(name) for name in _WINDOW if getattr(self, name) is not None]
        spans = [outside_name(name) for name in _SPAN if getattr(self, name) is not None]
        if recurs and spans:
            message = f"it has both {spans[0]} and {recurs[0]}"
            raise fault(Code.FREEZE_SPAN, message, _SPAN_HINT, at=(recurs[0],))
        if not recurs and len(spans) < len(_SPAN):
            found = f"only {spans[0]}" if spans else "nothing"
            message = f"it says {found} of when it holds"
            raise fault(Code.FREEZE_SPAN, message, _SPAN_HINT, at=tuple(spans))
        if recurs:
            self._check_recurring(recurs[0])
        return self

    def _check_recurring(self, found: str) -> None:
        if self.recurrence is None or self.start is None:
            missing = "recurrence" if self.recurrence is None else "start"
            message = f"it has {found} and no {missing}"
            raise fault(Code.FREEZE_SPAN, message, _SPAN_HINT, at=(found,))
        check_length(self.duration, self.end)
        check_anchor(self.recurrence, self.anchor)

    @property
    def window(self) -> MaintenanceWindow | None:
        """The recurring span as a window; nothing where it is a single one."""
        if self.recurrence is None or self.start is None:
            return None
        return MaintenanceWindow(
            name="freeze",
            recurrence=self.recurrence,
            anchor=self.anchor,
            offset=self.offset or timedelta(0),
            start=self.start,
            duration=self.duration,
            end=self.end,
            timezone=self.timezone or LOCAL,
        )


_SPAN_HINT = "give from and until, or recurrence, start and duration"


class Freeze(Document):
    """Times in which nothing starts."""

    kind: Literal["Freeze"] = Field(description="Freeze")
    spec: FreezeSpec = Field(description="When, and for whom.")
