"""A named set of updates (S9)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from reconciler.kinds.base import Document, Model
from reconciler.kinds.faults import describe_type, fault
from reconciler.kinds.fields import DateOrInstant, Duration, Texts, schema_of
from reconciler.kinds.suspension import Suspension
from reconciler.model.codes import Code
from reconciler.model.updates import SEVERITY_WORDS

_SIGNS = (">=", "<=", ">", "<", "=")


def _check_severity(value: object) -> str:
    """Refuse a severity that is none of the ranked words (S9)."""
    if not isinstance(value, str):
        raise fault(Code.WRONG_TYPE, f"expected a severity, found {describe_type(value)}")
    sign = next((sign for sign in _SIGNS if value.startswith(sign)), "")
    if value[len(sign) :] not in SEVERITY_WORDS:
        hint = f"write one of {', '.join(SEVERITY_WORDS)}, or a bound such as >=important"
        raise fault(Code.BAD_SEVERITY, f"{value!r:.80} is not a severity", hint)
    return value


SeverityBound = Annotated[
    str,
    BeforeValidator(_check_severity),
    schema_of(f"(>=|<=|>|<|=)?({'|'.join(SEVERITY_WORDS)})", "A severity, or a bound of it."),
]


class ReleasedSpan(Model):
    """When an update was released; the span includes its start and excludes its end."""

    after: DateOrInstant | None = Field(default=None, description="At or after this instant.")
    before: DateOrInstant | None = Field(default=None, description="Before this instant.")


class UpdateQuery(Model):
    """Selects updates: fields are ANDed, the values of a field ORed (S9)."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    product: Texts = Field(default=(), description="Names of products or source packages.")
    classification: Texts = Field(default=(), description="As security or bugfix.")
    severity: SeverityBound | None = Field(
        default=None, description="A severity, or a bound such as >=important."
    )
    released: ReleasedSpan | None = Field(default=None, description="When it was released.")
    min_age: Duration | None = Field(default=None, description="Released at least so long ago.")
    cves: Texts = Field(default=(), description="It fixes one of these vulnerabilities.")
    release: Texts = Field(default=(), description="Operating-system releases, as debian-12.")

    @model_validator(mode="before")
    @classmethod
    def _check_not_empty(cls, value: Any) -> Any:  # noqa: ANN401  # a manifest's value may be anything
        if isinstance(value, dict) and not value:
            raise fault(
                Code.EMPTY_QUERY, "the query is empty", "name at least one product or bound"
            )
        return value


class UpdateGroupSpec(Model):
    """Members are (updates + query) without exclude (S9)."""

    type: Literal["rollup", "standalone"] = Field(
        description="rollup: the mainline of a product and release; standalone: a set of its own."
    )
    updates: Texts = Field(default=(), description="Ids of named updates.")
    query: UpdateQuery | None = Field(default=None, description="Selects updates of the catalog.")
    exclude: Texts = Field(default=(), description="Ids of updates that are out.")
    superseded: Literal["exclude", "include"] = Field(
        default="exclude", description="Whether updates that another replaces are offered too."
    )
    max_runtime: Duration = Field(
        default=timedelta(hours=1), description="The longest run; a window must have room for it."
    )
    auto_approve: bool = Field(
        default=False, description="Whether updates that come later need no approval of their own."
    )
    suspend: Suspension | None = Field(
        default=None, description="Stops the group's programs everywhere."
    )


class UpdateGroup(Document):
    """A named set of updates."""

    kind: Literal["UpdateGroup"] = Field(description="UpdateGroup")
    spec: UpdateGroupSpec = Field(description="Which updates.")
