"""What rollouts share from month to month."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from reconciler.kinds.base import Document, Model
from reconciler.kinds.fields import Duration, Label
from reconciler.kinds.phase import Phases
from reconciler.kinds.rollout_settings import (
    Budget,
    Content,
    Hooks,
    Releases,
    Restart,
    Resume,
    User,
)
from reconciler.kinds.suspension import Suspension


class RolloutStrategySpec(Model):
    """Every field of a rollout but its authorization."""

    strategy: Label | None = Field(
        default=None, description="A RolloutStrategy whose fields are defaults for these."
    )
    time_basis: Literal["local", "utc"] = Field(
        default="utc", description="How instants of deadlines are read."
    )
    priority: Literal["low", "medium", "high"] = Field(
        default="medium", description="Of its packages between sites."
    )
    releases: Releases = Field(default=Releases(), description="How often releases are cut.")
    recurrence: Duration = Field(
        default=timedelta(days=7), description="After the deadline, how often a run is due again."
    )
    content: Content | None = Field(default=None, description="Where computers get files.")
    user: User | None = Field(default=None, description="What a computer's user may do.")
    restart: Restart | None = Field(
        default=None, description="What happens when an update needs a restart."
    )
    budget: Budget | None = Field(default=None, description="How many may be disrupted at once.")
    hooks: Hooks | None = Field(default=None, description="Hooks that agents run.")
    phases: Phases = Field(default=(), min_length=1, description="The phases in order.")
    resume: Resume | None = Field(default=None, description="An order to go on after a halt.")
    suspend: Suspension | None = Field(default=None, description="Pauses the rollout.")


class RolloutStrategy(Document):
    """Defaults, field by field, of the rollouts that name it."""

    kind: Literal["RolloutStrategy"] = Field(description="RolloutStrategy")
    spec: RolloutStrategySpec = Field(description="What is the same for every such rollout.")
