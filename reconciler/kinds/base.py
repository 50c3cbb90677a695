"""What every document has: strict, frozen, camelCase outside and snake_case inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from reconciler.kinds.fields import Label

API_VERSION = "patchwright.dev/v1alpha1"


def outside_name(name: str) -> str:
    """Give a field's name in a manifest: `not_before` is `notBefore`, `from_` is `from`."""
    return to_camel(name.rstrip("_"))


class Model(BaseModel):
    """A part of a document; Python may also build it by the names inside."""

    model_config = ConfigDict(
        alias_generator=outside_name,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        strict=True,
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
        # The text of a manifest stands in our own messages, where it is cut.
        hide_input_in_errors=True,
    )


class Metadata(Model):
    """Who a document is."""

    name: Label = Field(description="Unique among documents of the kind; an RFC 1123 label.")
    labels: Mapping[str, str] = Field(
        default={}, description="Free words for people and tools; the reconciler reads none."
    )
    annotations: Mapping[str, str] = Field(
        default={}, description="Free text; `patchwright.dev/renamed-from` names the former name."
    )


class Document(Model):
    """One manifest of any kind."""

    api_version: Literal["patchwright.dev/v1alpha1"] = Field(
        description="The language's version: patchwright.dev/v1alpha1."
    )
    kind: str = Field(description="What the document is.")
    metadata: Metadata = Field(description="The document's name, labels and annotations.")
    spec: Any = Field(description="What is asked for.")
