"""Mappings of which exactly one key tells the form, and fields that exclude each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.kinds.base import Model
from reconciler.kinds.faults import describe_type, fault
from reconciler.model.codes import Code

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of a field: the name of each form's model by the key that tells it."""

    by_key: Mapping[str, str]

    def of(self, value: object) -> str | None:
        """Name the form that a value has."""
        if isinstance(value, Model):
            return type(value).__name__
        if not isinstance(value, dict):
            return None
        return next((form for key, form in self.by_key.items() if key in value), None)

    def check(self, value: object) -> object:
        """Refuse what has none of the forms, or more than one."""
        if isinstance(value, Model):
            return value
        if not isinstance(value, dict):
            raise fault(Code.WRONG_TYPE, f"expected a mapping, found {describe_type(value)}")
        found = [key for key in self.by_key if key in value]
        if len(found) != 1:
            message = f"give exactly one of {', '.join(self.by_key)}"
            told = f"; found {' and '.join(found)}" if found else ""
            raise fault(Code.WRONG_FORM, message + told, at=tuple(found[1:2]))
        return value


def given(*names: str) -> Schema:
    """Show in a schema that the fields are written, and not null."""
    not_null = {name: {"not": {"type": "null"}} for name in names}
    return {"required": list(names), "properties": not_null}


def absent(*names: str) -> Schema:
    """Show in a schema that the fields are not written, or null."""
    return {"properties": {name: {"type": "null"} for name in names}}


def exactly_one(*names: str) -> Schema:
    """Show in a schema that one of the fields is written."""
    return {"oneOf": [given(name) for name in names]}
