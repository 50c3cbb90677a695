"""An order to run an advertised phase once more (S16)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.kinds.base import Document, Model
from reconciler.kinds.fields import Label, Text


class ReadvertiseSpec(Model):
    """Which phase is run again; each token acts once."""

    rollout: Label = Field(description="Name of the Rollout.")
    phase: Label = Field(description="Name of its phase.")
    token: Text = Field(description="A word that was not used for it before.")
    reason: Text | None = Field(default=None, description="Why it is run again.")


class Readvertise(Document):
    """An order to run a phase once more."""

    kind: Literal["Readvertise"] = Field(description="Readvertise")
    spec: ReadvertiseSpec = Field(description="What is run again.")
