"""An urgent change with its own short way to production (S21)."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, PlainSerializer, Strict, Tag

from reconciler.kinds.base import Document, Model
from reconciler.kinds.fields import (
    DURATION_PATTERN,
    INSTANT_PATTERN,
    Label,
    Labels,
    Percentage,
    Text,
    Texts,
    read_deadline,
    render_deadline,
    schema_of,
)
from reconciler.kinds.not_yet import NotYet
from reconciler.kinds.phase import Phase
from reconciler.kinds.suspension import Suspension

ASAP: Literal["asap"] = "asap"


def _read_deadline(value: object) -> str | timedelta | datetime:
    return ASAP if value == ASAP else read_deadline(value)


def _render_deadline(due: str | timedelta | datetime) -> str:
    return due if isinstance(due, str) else render_deadline(due)


EmergencyDeadline = Annotated[
    Literal["asap"] | timedelta | datetime,
    BeforeValidator(_read_deadline),
    PlainSerializer(_render_deadline, return_type=str),
    schema_of(
        f"asap|{DURATION_PATTERN}|{INSTANT_PATTERN}", "asap, a duration after it, or an instant."
    ),
]


def _form_of(value: object) -> str:
    """Tell a list of phases from a list of names."""
    items = value if isinstance(value, list | tuple) else ()
    return "phases" if any(isinstance(item, dict | Phase) for item in items) else "names"


Production = Annotated[
    Annotated[Labels, Field(min_length=1), Tag("names")]
    | Annotated[tuple[Phase, ...], Strict(strict=False), Field(min_length=1), Tag("phases")],
    Discriminator(_form_of),
]


class Evidence(Model):
    """Why it is an emergency."""

    exploited: bool = Field(default=False, description="Whether attacks have been seen.")
    cves: Texts = Field(default=(), description="Vulnerabilities that it closes.")


class EmergencyChangeSpec(Model):
    """Which updates go to production at once, and over which collections (S21)."""

    bulletin: Text = Field(description="The vendor's bulletin; unique among emergencies.")
    updates: Texts = Field(min_length=1, description="Ids of the updates.")
    evidence: Evidence | None = Field(default=None, description="Why it is an emergency.")
    reference: Label = Field(description="The Collection that is scanned first.")
    production: Production = Field(
        description="Collections in order, or phases as in a Rollout; without a gate of its own a"
        " phase passes at `retireAt`."
    )
    change: Text | None = Field(default=None, description="Number of the change record.")
    approved_by: Texts = Field(default=(), description="Who approved it.")
    deadline: EmergencyDeadline = Field(
        default=ASAP, description="asap, a duration after a phase opens, or an instant."
    )
    windows: Literal["respect", "override"] = Field(
        default="respect", description="Whether maintenance windows count."
    )
    fold_into: Label | None = Field(
        default=None, description="The UpdateGroup that takes the updates over in the end."
    )
    retire_at: Percentage = Field(
        default=Fraction(98, 100), description="Share of compliant computers at which it ends."
    )
    media: Annotated[Labels, NotYet("content goes to every site over the network")] = Field(
        default=(), description="Sites that are served by removable media."
    )
    suspend: Suspension | None = Field(default=None, description="Pauses it.")


class EmergencyChange(Document):
    """An urgent change."""

    kind: Literal["EmergencyChange"] = Field(description="EmergencyChange")
    spec: EmergencyChangeSpec = Field(description="What is urgent, and who gets it in which order.")
