"""Releases, phases, targets and derived objects: what plans create, change and retire."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, select

from reconciler.model.objects import Advertisement, Package
from reconciler.observed.memory import TABLES, Memory, Record, key_of
from reconciler.store.counters import Counter, Counters
from reconciler.store.record_rows import R, parse_record, record_of, row_key, row_of
from reconciler.store.rows import from_json, upsert
from reconciler.store.schema import record as table

_SITE_CODE_LENGTH = 3


KnownRecords = dict[tuple[str, str], tuple[str, Record]]
"""Rows by type and key, each with the record that was made of it."""


class RecordRepository:
    """All records of the site, each once by type and key."""

    def __init__(self, connection: Connection, counters: Counters) -> None:
        self._connection = connection
        self._counters = counters

    def put(self, record: Record) -> None:
        """Save the record in place of the one with its key.

        The number of an object's id is taken for ever, also when the object is dropped (S26).
        """
        self._connection.execute(upsert(table, self._connection), row_of(record))
        if isinstance(record, Package | Advertisement):
            number = int(record.id[_SITE_CODE_LENGTH:], 16)
            self._counters.rise_to(Counter.OBJECT, number + 1)
        self._counters.mark_site_policy()

    def drop(self, record: Record) -> None:
        """Remove the record with that key; it may be gone already."""
        self._connection.execute(delete(table).where(_is(record)))
        self._counters.mark_site_policy()

    def find(self, record: R) -> R | None:
        """Give what is stored under the record's key."""
        row = self._connection.execute(select(table.c.key, table.c.body).where(_is(record))).first()
        return None if row is None else record_of(type(record), row.key, row.body)

    def all(self, kind: type[R]) -> list[R]:
        """Give all records of the type, in order of their keys."""
        asked = select(table.c.key, table.c.body).where(table.c.kind == kind.__name__)
        found = [record_of(kind, row.key, row.body) for row in self._connection.execute(asked)]
        return sorted(found, key=key_of)

    def load_memory(self, known: KnownRecords | None = None) -> Memory:
        """Give all records, and the number that the next object's id takes.

        A record whose row is the one in `known` is the same object again; `known` then holds the
        rows of now.
        """
        tables: dict[str, dict[Any, Any]] = {name: {} for name in TABLES.values()}
        old, fresh = known or {}, {}
        for row in self._connection.execute(select(table)):
            place = (row.kind, row.key)
            body, found = old.get(place, (None, None))
            if found is None or body != row.body:
                where = f"{row.kind} {row.key}"
                found = parse_record(row.kind, from_json(row.body, where), where)
            fresh[place] = (row.body, found)
            tables[TABLES[type(found)]][key_of(found)] = found
        if known is not None:
            known.clear()
            known.update(fresh)
        number = max(self._counters.value(Counter.OBJECT), 1)
        return Memory(**tables, next_number=number)


def _is(record: Record) -> ColumnElement[bool]:
    key = row_key(record)
    return and_(table.c.kind == key["kind"], table.c.key == key["key"])
