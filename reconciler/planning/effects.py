"""What is remembered once actions are done, as the store keeps it; pure."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from reconciler.model.objects import Advertisement, Package
from reconciler.observed.memory import TABLES, Memory, Record, key_of
from reconciler.planning.actions import DROPS, Action


def after(memory: Memory, actions: Iterable[Action]) -> Memory:
    """Give the memory with all actions done."""
    tables = {name: dict(getattr(memory, name)) for name in TABLES.values()}
    number = memory.next_number
    for action in actions:
        table = tables[TABLES[type(action.record)]]
        if action.verb in DROPS:
            table.pop(key_of(action.record), None)
        else:
            table[key_of(action.record)] = action.record
            if action.former is not None:
                del table[key_of(action.former)]
            number = max(number, _number_of(action.record) + 1)
    return Memory(
        **{name: MappingProxyType(table) for name, table in tables.items()}, next_number=number
    )


def _number_of(record: Record) -> int:
    return int(record.id[3:], 16) if isinstance(record, Package | Advertisement) else 0
