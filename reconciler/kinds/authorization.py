"""Approval of an update group's updates (S8)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.kinds.base import Document, Model
from reconciler.kinds.fields import Instant, Label, Text, Texts
from reconciler.kinds.suspension import Suspension


class AuthorizationSpec(Model):
    """Which updates of a group may be installed, from when until when (S8)."""

    group: Label = Field(description="Name of the UpdateGroup.")
    except_: Texts = Field(default=(), description="Ids of updates that are not authorized.")
    only: Texts | None = Field(default=None, description="Ids of the only authorized updates.")
    change: Text | None = Field(default=None, description="Number of the change record.")
    approved_by: Texts = Field(default=(), description="Who approved it.")
    from_: Instant | None = Field(
        default=None, description="When it begins; without it, as soon as the commit takes force."
    )
    until: Instant | None = Field(default=None, description="When it ends.")
    suspend: Suspension | None = Field(default=None, description="Pauses it.")


class Authorization(Document):
    """Approval of an update group, or of some of its updates."""

    kind: Literal["Authorization"] = Field(description="Authorization")
    spec: AuthorizationSpec = Field(description="What is approved.")
