"""The query language of collections: a tree of leaves under allOf, anyOf and not (S5)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import re2
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Strict,
    Tag,
    WithJsonSchema,
    model_validator,
)

from reconciler.kinds.base import Model
from reconciler.kinds.faults import describe_type, fault
from reconciler.kinds.fields import Duration, Label, Text
from reconciler.model.codes import Code
from reconciler.model.updates import UpdateState

Operator = Literal[
    "In",
    "NotIn",
    "Exists",
    "NotExists",
    "Lt",
    "Le",
    "Gt",
    "Ge",
    "VersionLt",
    "VersionLe",
    "VersionGt",
    "VersionGe",
    "Matches",
]
_WITHOUT_VALUES = frozenset({"Exists", "NotExists"})
_ON_NUMBERS = frozenset({"Lt", "Le", "Gt", "Ge"})
_ON_TEXT = frozenset({"VersionLt", "VersionLe", "VersionGt", "VersionGe", "Matches"})
_LONGEST_PATTERN = 1000
_MOST_SHARDS = 65536


def _read_operand(value: object) -> str | int | float | bool:
    if isinstance(value, str | int | float):
        return value
    message = f"expected text, a number or a boolean, found {describe_type(value)}"
    raise fault(Code.WRONG_TYPE, message)


Operand = Annotated[
    Any, BeforeValidator(_read_operand), WithJsonSchema({"type": ["string", "number", "boolean"]})
]


def check_pattern(pattern: str, at: tuple[str | int, ...] = ()) -> None:
    """Refuse what is not RE2 or too long; `at` leads to the pattern."""
    # Without its own limit a pattern may fill 8 MiB of automaton.
    options = re2.Options()
    options.max_mem = 1 << 20
    options.log_errors = False
    if len(pattern) > _LONGEST_PATTERN:
        message = f"the pattern is longer than {_LONGEST_PATTERN} characters"
        raise fault(Code.BAD_PATTERN, message, at=at)
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        hint = "patterns are RE2: no look-around and no back-references"
        message = f"{pattern!r:.80} is not a pattern: {reason}"
        raise fault(Code.BAD_PATTERN, message, hint, at=at) from error


class FactLeaf(Model):
    """Selects by a fact; for facts that are lists one element is enough."""

    fact: Text = Field(description="Name of the fact, as os.family or package.openssl.")
    op: Operator = Field(description="How the fact is compared with the values.")
    values: Annotated[tuple[Operand, ...], Strict(strict=False)] = Field(
        default=(), description="What it is compared with; none for Exists and NotExists."
    )

    @model_validator(mode="after")
    def _check_operands(self) -> Self:
        """Refuse values that the operator cannot take (S5)."""
        if self.op in _WITHOUT_VALUES:
            if self.values:
                raise fault(Code.WRONG_OPERANDS, f"{self.op} takes no values", at=("values",))
            return self
        if not self.values:
            raise fault(Code.WRONG_OPERANDS, f"{self.op} needs at least one value", at=("op",))
        for number, value in enumerate(self.values):
            self._check_operand(value, ("values", number))
        return self

    def _check_operand(self, value: object, at: tuple[str, int]) -> None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if self.op in _ON_NUMBERS and not number:
            hint = "versions are compared by VersionLt, VersionLe, VersionGt and VersionGe"
            message = f"{self.op} compares numbers, found {describe_type(value)}"
            raise fault(Code.WRONG_OPERANDS, message, hint, at=at)
        if self.op in _ON_TEXT and not (isinstance(value, str) and value):
            message = f"{self.op} takes text, found {describe_type(value)}"
            raise fault(Code.WRONG_OPERANDS, message, "quote the value", at=at)
        if self.op == "Matches":
            check_pattern(str(value), at)


class UpdateLeaf(Model):
    """Selects by what the last scan said of an update."""

    update: Text = Field(description="Id of the update.")
    state: Annotated[UpdateState, Strict(strict=False)] = Field(
        description="The update's state in the computer's last scan."
    )


class CollectionLeaf(Model):
    """Selects the members of another collection."""

    collection: Label = Field(description="Name of the collection.")


class LastScan(Model):
    """Age of the last completed scan."""

    older_than: Duration = Field(description="True also for computers that never scanned.")


class LastScanLeaf(Model):
    """Selects computers whose last scan is old."""

    last_scan: LastScan = Field(description="How old the last scan is.")


class Shard(Model):
    """Some of equal parts of the fleet, by computer id."""

    of: Annotated[int, Field(ge=1, le=_MOST_SHARDS)] = Field(description="Number of parts.")
    in_: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...], Strict(strict=False), Field(min_length=1)
    ] = Field(description="Which parts, counted from 0.")

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        for place, number in enumerate(self.in_):
            if number >= self.of:
                message = f"part {number} does not exist: there are {self.of}, counted from 0"
                raise fault(Code.BAD_SHARD, message, at=("in", place))
        if len(set(self.in_)) < len(self.in_):
            raise fault(Code.BAD_SHARD, "a part stands twice", at=("in",))
        return self


class ShardLeaf(Model):
    """Selects some of equal parts of the fleet."""

    shard: Shard = Field(description="Into how many parts the fleet is cut, and which to take.")


class AllLeaf(Model):
    """Selects every computer."""

    all: Literal[True] = Field(description="Always true.")


def _check_not_empty(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    if not parts:
        raise fault(Code.EMPTY_QUERY, "the list is empty", "{all: true} selects every computer")
    return parts


Parts = Annotated[
    tuple["Query", ...],
    Strict(strict=False),
    AfterValidator(_check_not_empty),
    Field(json_schema_extra={"minItems": 1}),
]


class AllOf(Model):
    """Selects what every part selects."""

    all_of: Parts = Field(description="At least one part.")


class AnyOf(Model):
    """Selects what at least one part selects."""

    any_of: Parts = Field(description="At least one part.")


class Not(Model):
    """Selects what the part does not."""

    not_: Query = Field(description="The part to turn round.")


_BY_KEY = {
    "allOf": "AllOf",
    "anyOf": "AnyOf",
    "not": "Not",
    "fact": "FactLeaf",
    "update": "UpdateLeaf",
    "collection": "CollectionLeaf",
    "lastScan": "LastScanLeaf",
    "shard": "ShardLeaf",
    "all": "AllLeaf",
}
LEAF_KEYS = tuple(_BY_KEY)


def _part_of(value: object) -> str | None:
    """Name the part that a mapping is, by the one key that tells; other keys are judged there."""
    if isinstance(value, Model):
        return type(value).__name__
    if not isinstance(value, dict):
        return None
    return next((_BY_KEY[key] for key in _BY_KEY if key in value), None)


def _check_query(value: object) -> object:
    """Refuse what is no part at all, so that the union below always finds its member."""
    if isinstance(value, dict) and not value:
        raise fault(Code.EMPTY_QUERY, "the query is empty", "{all: true} selects every computer")
    if not isinstance(value, dict | Model):
        raise fault(Code.WRONG_TYPE, f"expected a mapping, found {describe_type(value)}")
    if _part_of(value) is None:
        raise fault(Code.UNKNOWN_LEAF, f"expected one of {', '.join(LEAF_KEYS)}")
    return value


Query = Annotated[
    Annotated[AllOf, Tag("AllOf")]
    | Annotated[AnyOf, Tag("AnyOf")]
    | Annotated[Not, Tag("Not")]
    | Annotated[FactLeaf, Tag("FactLeaf")]
    | Annotated[UpdateLeaf, Tag("UpdateLeaf")]
    | Annotated[CollectionLeaf, Tag("CollectionLeaf")]
    | Annotated[LastScanLeaf, Tag("LastScanLeaf")]
    | Annotated[ShardLeaf, Tag("ShardLeaf")]
    | Annotated[AllLeaf, Tag("AllLeaf")],
    Discriminator(_part_of),
    BeforeValidator(_check_query),
]
"""One part of a query."""

for _model in (AllOf, AnyOf, Not):
    _model.model_rebuild()
