"""What every change has to meet (S24)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict

from reconciler.kinds.base import Document, Model
from reconciler.kinds.custom_update import SeverityWord
from reconciler.kinds.fields import Duration, Labels, Percentage, Texts

_AtLeastOne = Annotated[int, Field(ge=1)]


class Scope(Model):
    """What a policy is about; an empty list leaves nothing out."""

    collections: Labels = Field(default=(), description="Names of Collections; none = all.")
    severities: Annotated[tuple[SeverityWord, ...], Strict(strict=False)] = Field(
        default=(), description="Severities of updates; none = all."
    )


class Approvers(Model):
    """Whose approval counts."""

    verified: bool = Field(
        default=True, description="Only by a signature or the forge's record of a review."
    )
    from_: Texts = Field(default=(), description="The only ones who count; none = anybody.")
    not_author: bool = Field(default=False, description="Whether the author's own does not count.")


class Sla(Model):
    """How soon after its release an update of each severity has to be installed."""

    critical: Duration | None = Field(default=None, description="For critical updates.")
    important: Duration | None = Field(default=None, description="For important (high) updates.")
    moderate: Duration | None = Field(default=None, description="For moderate (medium) updates.")
    low: Duration | None = Field(default=None, description="For updates of low severity.")


class ReviewedPlan(Model):
    """How far what happens may differ from the plan that was reviewed."""

    tolerance: Percentage | None = Field(
        default=None, description="Share of computers that may differ; without it, none."
    )


class PolicySpec(Model):
    """What is demanded of changes; of several policies the strictest wins (S24)."""

    applies_to: Scope = Field(default=Scope(), description="What it is about; without it, all.")
    min_approvers: _AtLeastOne | None = Field(
        default=None, description="So many different people have to approve."
    )
    approvers: Approvers = Field(default=Approvers(), description="Whose approval counts.")
    max_newly_targeted_per_day: _AtLeastOne | None = Field(
        default=None, description="So many computers at most are newly targeted in 24 hours."
    )
    min_soak: Duration | None = Field(
        default=None, description="The shortest soak of each gate that lets a phase open."
    )
    first_phase_in: Labels = Field(
        default=(), description="Collections of which one has to be the first; none = any."
    )
    sla: Sla | None = Field(default=None, description="How soon updates have to be installed.")
    max_waiver: Duration | None = Field(default=None, description="The longest time of a waiver.")
    require_window: bool = Field(
        default=False, description="Whether every targeted computer needs a declared window."
    )
    forbid_window_override: bool = Field(
        default=False, description="Whether emergencies have to respect windows."
    )
    require_reviewed_plan: ReviewedPlan | None = Field(
        default=None, description="Whether a plan has to be reviewed, and how exactly it holds."
    )
    assertions: Texts = Field(default=(), description="CEL expressions over the plan.")


class Policy(Document):
    """What every change has to meet."""

    kind: Literal["Policy"] = Field(description="Policy")
    spec: PolicySpec = Field(description="What is demanded, and of what.")
