"""A harmless update that runs through the whole process, to practise and to measure (I5)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.kinds.base import Document, Model
from reconciler.kinds.fields import Duration, Label


class DrillTargets(Model):
    """How fast each part should be."""

    advertised: Duration | None = Field(default=None, description="Until it is advertised.")
    verified: Duration | None = Field(default=None, description="Until all have proved it.")


class DrillSpec(Model):
    """Who practises, how often, and how fast it should be."""

    collection: Label = Field(description="Name of the Collection that practises.")
    schedule: Duration = Field(description="How often it is run.")
    targets: DrillTargets = Field(
        default=DrillTargets(), description="Times that are reported as missed when exceeded."
    )


class Drill(Document):
    """Practice of the whole process with an update that changes nothing."""

    kind: Literal["Drill"] = Field(description="Drill")
    spec: DrillSpec = Field(description="Who practises, and how often.")
