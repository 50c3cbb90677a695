"""JSON Schemas (2020-12) of the kinds, for editors and other tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from reconciler.kinds.base import Document, Model
from reconciler.kinds.registry import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
COMBINED = "patchwright.json"
_BASE = "https://patchwright.dev/schemas/v1alpha1/"


def make_schemas() -> dict[str, str]:
    """Give the text of every schema file by its name: one per kind, and one for any document."""
    files = {f"{kind.lower()}.json": _schema_of(model) for kind, model in KINDS.items()}
    files[COMBINED] = _combined()
    return {name: _render(name, schema) for name, schema in sorted(files.items())}


def _schema_of(model: type[Document]) -> dict[str, Any]:
    schema: dict[str, Any] = _tidy(model.model_json_schema(by_alias=True, mode="validation"))
    return schema


def _combined() -> dict[str, Any]:
    """Choose by kind, so that a tool tells the faults of that kind only."""
    models: list[type[Model]] = list(KINDS.values())
    references, whole = models_json_schema(
        [(model, "validation") for model in models], by_alias=True, title="Patchwright"
    )
    choices = [
        {
            "if": {"properties": {"kind": {"const": kind}}},
            "then": references[model, "validation"],
        }
        for kind, model in sorted(KINDS.items())
    ]
    return {
        "title": "Patchwright",
        "description": "Any document of the desired state.",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": sorted(KINDS)}},
        "allOf": choices,
        "$defs": _tidy(whole["$defs"]),
    }


def _tidy(schema: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Take out titles that only repeat names."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _tidy(item) for key, item in schema.items()}
    if isinstance(made.get("title"), str):
        del made["title"]
    return made


def _render(name: str, schema: Mapping[str, Any]) -> str:
    head = {"$schema": DIALECT, "$id": f"{_BASE}{name}"}
    return json.dumps({**head, **schema}, indent=2, ensure_ascii=False) + "\n"
