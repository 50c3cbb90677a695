"""Updates that nobody may get (S8)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.kinds.base import Document, Model
from reconciler.kinds.fields import Text, Texts


class RejectionSpec(Model):
    """Updates that are out everywhere, until the document is deleted (S8)."""

    updates: Texts = Field(min_length=1, description="Ids of the rejected updates.")
    reason: Text = Field(description="Why they are rejected.")
    by: Text = Field(description="Who rejected them.")


class Rejection(Document):
    """Updates that are offered nowhere on the site."""

    kind: Literal["Rejection"] = Field(description="Rejection")
    spec: RejectionSpec = Field(description="What is rejected, by whom and why.")
