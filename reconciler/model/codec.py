"""Turn wire and record dataclasses into JSON values and strictly back.

A field `lastScanAt` outside is `last_scan_at` inside. Instants are RFC 3339 text, durations are
whole seconds, tuples are arrays, enums their value. Decoding accepts exactly what encoding makes:
an unknown or missing field, or a value of another type, is a ValueError that names the field.
A field with a default may be missing, so that records of older releases still load.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Callable, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from reconciler.model.canonical import Json
from reconciler.model.times import parse_instant, render_instant

T = TypeVar("T")
_ATOMS = (str, int, float, bool)
_BOTTOM = "the message"


def encode(value: object) -> Json:
    """Turn a dataclass (or what its fields hold) into a JSON value."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, _ATOMS):
        return value
    if isinstance(value, datetime):
        return render_instant(value)
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, (tuple, list)):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    return {field.outside: encode(getattr(value, field.inside)) for field in _fields(type(value))}


def decode(kind: type[T], value: Json, where: str = "") -> T:
    """Turn a JSON value into the dataclass; raises ValueError that names the wrong field."""
    entries: dict[str, Json] = _expect(dict, value, where or _BOTTOM)
    known = _fields(kind)
    unknown = sorted(set(entries) - {field.outside for field in known})
    if unknown:
        message = f"{where or _BOTTOM} has the unknown field {unknown[0]!r:.80}"
        raise ValueError(message)
    made: dict[str, object] = {}
    for field in known:
        path = f"{where}.{field.outside}" if where else field.outside
        if field.outside in entries:
            made[field.inside] = _decode_value(field.hint, entries[field.outside], path)
        elif field.is_required:
            message = f"{path} is missing"
            raise ValueError(message)
    return kind(**made)


@dataclasses.dataclass(frozen=True)
class _Field:
    inside: str
    outside: str
    hint: Json
    is_required: bool


def _fields(kind: type) -> tuple[_Field, ...]:
    return _fields_of(kind)


@cache
def _fields_of(kind: Json) -> tuple[_Field, ...]:
    hints = get_type_hints(kind)
    return tuple(
        _Field(field.name, _camel(field.name), hints[field.name], _is_required(field))
        for field in dataclasses.fields(kind)
    )


@cache
def _members_of(kind: type[Enum]) -> dict[Json, Enum]:
    return {member.value: member for member in kind}


def _is_required(field: dataclasses.Field[Json]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def _decode_value(hint: Json, value: Json, where: str) -> Json:
    origin: Json = get_origin(hint)
    if origin is Union:
        return _decode_union(hint, value, where)
    if origin is tuple:
        return _decode_tuple(get_args(hint), _expect(list, value, where), where)
    if origin is dict:
        kind = get_args(hint)[1]
        entries: dict[str, Json] = _expect(dict, value, where)
        if isinstance(kind, type) and issubclass(kind, Enum):
            members = _members_of(kind)
            # Most of a stored computer is such a dictionary; a wrong value goes the long way.
            if all(isinstance(item, str) and item in members for item in entries.values()):
                return {key: members[item] for key, item in entries.items()}
        return {key: _decode_value(kind, item, f"{where}.{key}") for key, item in entries.items()}
    if dataclasses.is_dataclass(hint):
        return decode(cast("type[object]", hint), value, where)
    return _decode_atom(hint, value, where)


def _decode_tuple(kinds: tuple[Json, ...], items: list[Json], where: str) -> tuple[Json, ...]:
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(items)
    if len(items) != len(kinds):
        message = f"{where} has {len(items)} elements, not {len(kinds)}"
        raise ValueError(message)
    return tuple(
        _decode_value(kind, item, f"{where}[{number}]")
        for number, (kind, item) in enumerate(zip(kinds, items))
    )


def _decode_union(hint: Json, value: Json, where: str) -> Json:
    choices = get_args(hint)
    if value is None and type(None) in choices:
        return None
    *others, last = [choice for choice in choices if choice is not type(None)]
    fitting = next((choice for choice in others if _fits(choice, value, where)), last)
    return _decode_value(fitting, value, where)


def _fits(hint: Json, value: Json, where: str) -> bool:
    try:
        _decode_value(hint, value, where)
    except ValueError:
        return False
    return True


def _decode_atom(hint: Json, value: Json, where: str) -> Json:
    if hint is datetime:
        return _rescue(parse_instant, _expect(str, value, where), where)
    if hint is timedelta:
        return _rescue(_seconds, _expect(int, value, where), where)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _rescue(hint, value, where)
    return _expect(hint, value, where)


def _seconds(number: int) -> timedelta:
    return timedelta(seconds=number)


def _rescue(read: Callable[[Json], T], value: Json, where: str) -> T:
    try:
        return read(value)
    except (ValueError, OverflowError) as error:
        message = f"{where}: {error}"
        raise ValueError(message) from error


def _expect(kind: type[T], value: Json, where: str) -> T:
    # bool is an int in Python and must not pass as one.
    if type(value) is kind or (kind is float and type(value) is int):
        return cast("T", value)
    message = f"{where} is not {_NAMES.get(kind, kind.__name__)}"
    raise ValueError(message)


_NAMES: dict[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}
