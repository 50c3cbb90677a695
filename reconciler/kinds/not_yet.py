"""Fields that are valid and not carried out yet: said in one place, where the field stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from reconciler.kinds.base import Model, outside_name

FieldPath = tuple[str | int, ...]
_EMPTY: tuple[object, ...] = (None, (), timedelta(0))


@dataclass(frozen=True, slots=True)
class NotYet:
    """Marks a field: `happens` says what is done instead; `carried_out` are values that work.

    A field that is absent, null, empty or zero asks for nothing and is never told.
    """

    happens: str
    carried_out: tuple[object, ...] = ()

    def applies_to(self, value: object) -> bool:
        """Tell whether the value asks for what is not carried out."""
        return value not in _EMPTY and value not in self.carried_out


def not_yet_uses(model: Model, at: FieldPath = ()) -> Iterator[tuple[FieldPath, NotYet]]:
    """Give the path of each field of a document that asks for something not carried out."""
    for name, outside, mark in _fields(type(model)):
        if name not in model.model_fields_set:
            continue
        value = getattr(model, name)
        path = (*at, outside)
        if mark is not None and mark.applies_to(value):
            yield path, mark
        else:
            yield from _inside(value, path)


@lru_cache(maxsize=256)
def _fields(model: type[Model]) -> tuple[tuple[str, str, NotYet | None], ...]:
    """Give each field's name inside and outside, and its mark."""
    return tuple(
        (
            name,
            outside_name(name),
            next((mark for mark in field.metadata if isinstance(mark, NotYet)), None),
        )
        for name, field in model.model_fields.items()
    )


def _inside(value: object, path: FieldPath) -> Iterator[tuple[FieldPath, NotYet]]:
    if isinstance(value, Model):
        yield from not_yet_uses(value, path)
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _inside(item, (*path, number))
