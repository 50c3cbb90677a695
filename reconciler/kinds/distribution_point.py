"""A server from which computers fetch content."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict

from reconciler.kinds.base import Document, Model
from reconciler.kinds.custom_fields import WebAddress
from reconciler.kinds.fields import Label
from reconciler.kinds.site import Subnet


class DistributionPointSpec(Model):
    """Where it is, and who may use it."""

    site: Label = Field(description="Name of the Site that it belongs to.")
    url: WebAddress = Field(description="Where computers reach it.")
    subnets: Annotated[tuple[Subnet, ...], Strict(strict=False)] = Field(
        default=(), description="Networks whose computers it serves first."
    )
    protected: bool = Field(
        default=False, description="Whether it serves only computers of its subnets."
    )
    slow: bool = Field(default=False, description="Whether the way to it is a slow link.")


class DistributionPoint(Document):
    """A server that holds content near computers."""

    kind: Literal["DistributionPoint"] = Field(description="DistributionPoint")
    spec: DistributionPointSpec = Field(description="Where it is, and whom it serves.")
