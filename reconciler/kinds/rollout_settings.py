"""What a rollout says once for all its phases, and a phase may say for itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from reconciler.kinds.base import Model
from reconciler.kinds.faults import describe_type, fault
from reconciler.kinds.fields import (
    PERCENTAGE_PATTERN,
    Duration,
    DurationOrZero,
    Label,
    Labels,
    Text,
)
from reconciler.kinds.not_yet import NotYet
from reconciler.model import times
from reconciler.model.codes import Code

RestartRule = Literal["suppress", "if-required", "force"]


class Releases(Model):
    """How often what is new becomes a release (S12)."""

    every: Duration = Field(
        default=timedelta(days=1), description="At least so long between two releases."
    )


class Content(Model):
    """Where computers get files, and which files those are (S18)."""

    points: Annotated[Labels, NotYet("files come from the site")] = Field(
        default=(), description="Distribution points or groups of them."
    )
    mode: Literal["captured", "repository"] = Field(
        default="captured",
        description="captured: the files of the release; repository: the computer's own source.",
    )
    run: Annotated[
        Literal["download", "from-point"],
        NotYet("files are downloaded first", carried_out=("download",)),
    ] = Field(default="download", description="Download first, or run from the point.")
    slow_links: Annotated[
        Literal["allow", "refuse"],
        NotYet("computers on slow links take part", carried_out=("allow",)),
    ] = Field(default="allow", description="Whether computers on slow links take part.")


class Notice(Model):
    """A reminder to the user."""

    before: Duration = Field(description="So long before the deadline.")
    every: Duration | None = Field(default=None, description="Repeated so often from then on.")


class User(Model):
    """What a computer's user may do (S17)."""

    available: bool = Field(default=True, description="The user may start it before the deadline.")
    postpone: bool = Field(default=True, description="The user may postpone until the deadline.")
    notify: Annotated[tuple[Notice, ...], Strict(strict=False)] = Field(
        default=(), description="When the user is reminded."
    )


class Restart(Model):
    """What happens when an update needs a restart."""

    servers: RestartRule = Field(default="suppress", description="For servers.")
    workstations: RestartRule = Field(
        default="if-required", description="For workstations and portable machines."
    )
    grace: DurationOrZero = Field(
        default=timedelta(0), description="Time that users have before the restart."
    )


def _read_concurrent(value: object) -> object:
    """Read a count of computers, or a share of them (S19)."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise fault(Code.OUT_OF_RANGE, f"{value} is not at least 1")
        return value
    if not isinstance(value, str):
        found = describe_type(value)
        raise fault(Code.WRONG_TYPE, f"expected a count or a percentage, found {found}")
    try:
        return times.parse_percentage(value)
    except ValueError as error:
        raise fault(Code.BAD_PERCENTAGE, str(error)) from error


Concurrent = Annotated[
    Any,
    BeforeValidator(_read_concurrent),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": f"^{PERCENTAGE_PATTERN}$"},
            ]
        }
    ),
]


class Budget(Model):
    """How many computers may be disrupted at once (S19)."""

    concurrent: Concurrent = Field(description="A count, or a percentage of each part.")
    per: Text = Field(default="all", description="Parts of the target: site, a fact, or all.")


class Hooks(Model):
    """Hooks that are configured on agents; a failing one is a failed run."""

    before: Label | None = Field(default=None, description="Run before the installation.")
    after: Label | None = Field(default=None, description="Run after the installation.")
    timeout: Duration = Field(
        default=timedelta(minutes=10), description="The longest that one hook may take."
    )


class Resume(Model):
    """A person's order to go on after a halt; each token acts once (S15)."""

    token: Text = Field(description="A word that this rollout has not seen before.")
    how: Literal["retry", "accept", "skip"] = Field(
        description="retry: forget failures; accept: passed, still offered; skip: passed, no offer."
    )
    reason: Text = Field(description="Why it may go on.")
    by: Text = Field(description="Who decided it.")
    release: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Number of the release; required for accept and skip."
    )
    phase: Label | None = Field(
        default=None, description="Name of the phase; required for accept and skip."
    )
