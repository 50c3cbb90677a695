"""One step of a rollout: whom it is for, when it opens, what lets the next one open (S13-S17)."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, Strict

from reconciler.kinds.base import Model
from reconciler.kinds.fields import Deadline, Duration, DurationOrZero, Instant, Label, Percentage
from reconciler.kinds.rollout_settings import Content, Restart, User

_AtLeastOne = Annotated[int, Field(ge=1)]


class Opens(Model):
    """When a phase opens: after the one before it, or at an instant; `notBefore` joins `after`."""

    after: Literal["previous"] | None = Field(
        default=None, description="After every earlier phase has succeeded; the default."
    )
    at: Instant | None = Field(default=None, description="At an instant, whatever came before.")
    not_before: Instant | None = Field(
        default=None, description="After the earlier phases, and not before this instant."
    )


class Gate(Model):
    """What lets the next phase open (S14)."""

    success: Percentage = Field(
        default=Fraction(95, 100), description="Share of counted computers that are compliant."
    )
    min_reported: _AtLeastOne = Field(default=1, description="So many must have reported.")
    soak: DurationOrZero = Field(
        default=timedelta(0), description="All of it has to hold for so long."
    )
    unreachable_after: Duration | None = Field(
        default=None, description="Silent for so long = unreachable; without it, nobody is."
    )
    max_unreachable: Percentage = Field(
        default=Fraction(20, 100), description="Share of the target that may be unreachable."
    )
    within: Duration | None = Field(
        default=None, description="Open for so long without passing = overdue."
    )
    pending_restart: Literal["wait", "accept"] = Field(
        default="wait", description="Whether computers that only need a restart count."
    )
    allow_empty: bool = Field(default=False, description="Whether an empty target passes.")


class Halt(Model):
    """What stops a release (S15)."""

    failures: Percentage = Field(description="Share of reported computers that failed.")
    min_reported: _AtLeastOne = Field(default=1, description="Not before so many reported.")


class Phase(Model):
    """One step of a rollout."""

    name: Label = Field(description="Unique in the rollout; a phase is known by it.")
    collection: Label = Field(description="Name of the Collection that it is for.")
    opens: Opens = Field(default=Opens(), description="When it opens.")
    deadline: Deadline | None = Field(
        default=None, description="When it installs by itself; without it, it is only offered."
    )
    grace: DurationOrZero = Field(
        default=timedelta(0), description="At least so long for who joins late."
    )
    spread: DurationOrZero = Field(
        default=timedelta(0), description="Starts are spread over so long."
    )
    gate: Gate | None = Field(
        default=None, description="What lets the next phase open; only the last may go without."
    )
    halt: Halt | None = Field(
        default=None, description="What stops a release; without it, nothing does."
    )
    recurrence: Duration | None = Field(
        default=None, description="In place of the rollout's recurrence."
    )
    restart: Restart | None = Field(default=None, description="In place of the rollout's restart.")
    user: User | None = Field(default=None, description="In place of the rollout's user.")
    content: Content | None = Field(default=None, description="In place of the rollout's content.")


Phases = Annotated[tuple[Phase, ...], Strict(strict=False)]
