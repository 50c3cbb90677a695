"""A named set of computers, with the windows in which they may be changed (S5)."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Strict, Tag

from reconciler.kinds.base import Document, Model
from reconciler.kinds.fields import Label as Name
from reconciler.kinds.fields import Labels, Percentage, Texts
from reconciler.kinds.maintenance_window import MaintenanceWindow
from reconciler.kinds.query import Query


def _form_of(value: object) -> str:
    return "always" if isinstance(value, str) else "windows"


MaintenanceWindows = Annotated[
    Annotated[Literal["always"], Tag("always")]
    | Annotated[
        tuple[MaintenanceWindow, ...], Strict(strict=False), Field(min_length=1), Tag("windows")
    ],
    Discriminator(_form_of),
]


class CollectionSpec(Model):
    """Members are ((query + computers + include) within limitTo) without exclude (S5)."""

    description: str | None = Field(default=None, description="What the collection is for.")
    owners: Texts = Field(default=(), description="Who answers for the computers, as addresses.")
    query: Query | None = Field(default=None, description="Selects computers by what is known.")
    computers: Texts = Field(
        default=(),
        description="Named members, as `name` or `SITE/name`; they join when they enrol.",
    )
    include: Labels = Field(default=(), description="Collections whose members join.")
    exclude: Labels = Field(default=(), description="Collections whose members are out; beats all.")
    limit_to: Name | None = Field(
        default=None, description="A collection outside of which nobody is a member."
    )
    max_change: Percentage = Field(
        default=Fraction(1, 2),
        description="The largest change in a day that is taken without a commit; 100% takes all.",
    )
    maintenance_windows: MaintenanceWindows | None = Field(
        default=None, description="When members may be changed: a list, or the word `always`."
    )


class Collection(Document):
    """A named set of computers."""

    kind: Literal["Collection"] = Field(description="Collection")
    spec: CollectionSpec = Field(description="Who is in it, and when they may be changed.")
