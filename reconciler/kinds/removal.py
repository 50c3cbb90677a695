"""Updates that are taken off computers again, gated like a rollout."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.kinds.base import Document, Model
from reconciler.kinds.fields import Text, Texts
from reconciler.kinds.phase import Phases


class RemovalSpec(Model):
    """Which updates are removed from whom, in which order."""

    updates: Texts = Field(min_length=1, description="Ids of the updates.")
    phases: Phases = Field(min_length=1, description="The phases in order, as in a Rollout.")
    change: Text | None = Field(default=None, description="Number of the change record.")
    approved_by: Texts = Field(default=(), description="Who approved it.")


class Removal(Document):
    """Updates that are taken off computers again."""

    kind: Literal["Removal"] = Field(description="Removal")
    spec: RemovalSpec = Field(description="What is removed, and from whom.")
