"""How many computers of a collection may be disrupted at once (S19)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.kinds.base import Document, Model
from reconciler.kinds.fields import Label, Text
from reconciler.kinds.rollout_settings import Concurrent


class DisruptionBudgetSpec(Model):
    """A bound that holds over all rollouts and emergencies (S19)."""

    collection: Label = Field(description="Name of the Collection that it protects.")
    concurrent: Concurrent = Field(description="A count, or a percentage of each part.")
    per: Text = Field(default="all", description="Parts of the collection: site, a fact, or all.")


class DisruptionBudget(Document):
    """How many may be disrupted at once, whoever disrupts them."""

    kind: Literal["DisruptionBudget"] = Field(description="DisruptionBudget")
    spec: DisruptionBudgetSpec = Field(description="Who is protected, and how far.")
