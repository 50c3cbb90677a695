"""Updates that some computers need not have, for a time (S11)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.kinds.base import Document, Model
from reconciler.kinds.fields import Instant, Label, Text, Texts


class WaiverSpec(Model):
    """Who is let off what, why, and until when (S11)."""

    collection: Label | None = Field(
        default=None, description="Name of a Collection; joined with `computers`."
    )
    computers: Texts = Field(
        default=(), description="Named computers, as `name` or `SITE/name`; or `collection`."
    )
    updates: Texts = Field(min_length=1, description="Ids of the waived updates.")
    reason: Text = Field(description="Why they are waived.")
    approved_by: Texts = Field(min_length=1, description="Who approved it.")
    until: Instant = Field(description="When it ends; from then on the updates are due again.")


class Waiver(Document):
    """Updates that some computers need not have, for a time."""

    kind: Literal["Waiver"] = Field(description="Waiver")
    spec: WaiverSpec = Field(description="Who is let off what.")
