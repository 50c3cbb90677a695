"""Distribution points under one name."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.kinds.base import Document, Model
from reconciler.kinds.fields import Labels


class DistributionPointGroupSpec(Model):
    """Which points belong together."""

    points: Labels = Field(
        min_length=1, description="Names of distribution points, or of other groups of them."
    )


class DistributionPointGroup(Document):
    """Distribution points that are named together."""

    kind: Literal["DistributionPointGroup"] = Field(description="DistributionPointGroup")
    spec: DistributionPointGroupSpec = Field(description="Which points it holds.")
