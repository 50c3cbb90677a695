"""What a validator found, in the words of a manifest's author."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from reconciler.kinds.base import Model
from reconciler.kinds.faults import describe_type
from reconciler.model.codes import Code
from reconciler.model.hints import did_you_mean
from reconciler.source.composing import FieldPath

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a document: `field` is its path, to be shown at the key or at the value."""

    field: FieldPath
    code: str
    message: str
    hint: str = ""
    at_key: bool = False


def explain(detail: ErrorDetails, model: type[Model], data: object) -> Finding:
    """Turn one error of a validator into a finding with a stable code."""
    kind, context = detail["type"], detail.get("ctx", {})
    field = _written_path((*detail["loc"], *context.get("at", ())), data)
    where = render_path(field)
    if kind.startswith("PW"):
        return Finding(field, kind, f"{where}: {context['message']}", str(context["hint"]))
    if kind == "missing":
        return _missing((*field, detail["loc"][-1]))
    if kind == "extra_forbidden":
        return _unknown_field(field, detail["loc"], model)
    if kind in {"literal_error", "enum"}:
        return _unknown_value(field, str(context.get("expected", "")), detail["input"])
    return Finding(field, *_plain(kind, where, detail))


def render_path(field: FieldPath) -> str:
    """Write `spec.phases[0].deadline`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in field)
    return text.removeprefix(".") or "the document"


def _plain(kind: str, where: str, detail: ErrorDetails) -> tuple[str, str]:
    if kind in _EXPECTED:
        found = describe_type(detail["input"])
        return Code.WRONG_TYPE.value, f"{where}: expected {_EXPECTED[kind]}, found {found}"
    if kind in {"too_short", "string_too_short"}:
        return Code.EMPTY_VALUE.value, f"{where}: it is empty"
    if kind in {"greater_than_equal", "less_than_equal"}:
        context = detail["ctx"]
        limit = f"below {context['ge']}" if "ge" in context else f"above {context['le']}"
        return Code.OUT_OF_RANGE.value, f"{where}: {detail['input']} is {limit}"
    if kind == "string_pattern_mismatch" and not str(detail["input"]).strip():
        return Code.EMPTY_VALUE.value, f"{where}: the text is empty"
    found = describe_type(detail["input"])
    return Code.BAD_VALUE.value, f"{where}: {found} does not have the form that the field takes"


def _missing(field: FieldPath) -> Finding:
    message = f"{render_path(field)} is required and missing"
    return Finding(field, Code.MISSING_FIELD.value, message)


def _unknown_field(field: FieldPath, loc: FieldPath, model: type[Model]) -> Finding:
    name = str(field[-1])
    hint = did_you_mean(name, _fields_at(model, loc[:-1]))
    parent = render_path(field[:-1])
    message = f"{name!r:.80} is not a field of {parent}"
    return Finding(field, Code.UNKNOWN_FIELD.value, message, hint, at_key=True)


def _unknown_value(field: FieldPath, expected: str, value: object) -> Finding:
    expected = expected.replace("'", "").replace("True", "true")
    known = expected.replace(" or ", ", ")
    code = Code.UNKNOWN_API_VERSION if field == ("apiVersion",) else Code.UNKNOWN_VALUE
    hint = did_you_mean(value, known.split(", ")) if isinstance(value, str) else ""
    message = f"{render_path(field)}: expected {expected}, found "
    return Finding(field, code.value, message + describe_type(value), hint)


def _has_step(data: object, step: str | int) -> bool:
    if isinstance(data, dict):
        return step in data
    return isinstance(data, list) and isinstance(step, int) and step < len(data)


def _written_path(loc: FieldPath, data: Any) -> FieldPath:  # noqa: ANN401  # a manifest's value
    """Leave out the steps that only a validator knows: every step must be in the data."""
    path: list[str | int] = []
    for step in loc:
        if _has_step(data, step):
            data = data[step]
            path.append(step)
    return tuple(path)


def _fields_at(model: type[Model], loc: FieldPath) -> set[str]:
    """Give the names that a mapping at the path may have."""
    models = {model}
    for step in loc:
        named = {one for one in models if one.__name__ == step}
        deeper = {
            inner
            for one in models
            for field in one.model_fields.values()
            if field.alias == step
            for inner in _models_in(field.annotation)
        }
        models = deeper or named or models
    return {str(field.alias) for one in models for field in one.model_fields.values()}


def _models_in(annotation: Any) -> Iterator[type[Model]]:  # noqa: ANN401  # any annotation of Python
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if issubclass(annotation, Model):
            yield annotation
        return
    for inner in get_args(annotation):
        yield from _models_in(inner)
