"""Releases, phases, targets and derived objects: what plans create, change and retire."""

from __future__ import annotations

from sqlalchemy import Connection, and_, delete, select

from reconciler.model.objects import Advertisement, ContentAssignment, Package, Program
from reconciler.model.rollouts import PhaseRecord, Release, SeenToken
from reconciler.observed.memory import Membership, Memory, Record
from reconciler.store.counters import Counter, Counters
from reconciler.store.record_rows import TABLES, R, key_columns, record_of, row_of
from reconciler.store.rows import upsert

_SITE_CODE_LENGTH = 3


class RecordRepository:
    """All records of the site, each once by type and key."""

    def __init__(self, connection: Connection, counters: Counters) -> None:
        self._connection = connection
        self._counters = counters

    def put(self, record: Record) -> None:
        """Save the record in place of the one with its key.

        The number of an object's id is taken for ever, also when the object is dropped (S26).
        """
        self._connection.execute(upsert(TABLES[type(record)], self._connection), row_of(record))
        if isinstance(record, Package | Advertisement):
            number = int(record.id[_SITE_CODE_LENGTH:], 16)
            self._counters.rise_to(Counter.OBJECT, number + 1)
        self._counters.mark_site_policy()

    def drop(self, record: Record) -> None:
        """Remove the record with that key; it may be gone already."""
        table = TABLES[type(record)]
        key = [table.c[name] == value for name, value in key_columns(record).items()]
        self._connection.execute(delete(table).where(and_(*key)))
        self._counters.mark_site_policy()

    def find(self, record: R) -> R | None:
        """Give what is stored under the record's key."""
        table = TABLES[type(record)]
        key = [table.c[name] == value for name, value in key_columns(record).items()]
        row = self._connection.execute(select(table).where(and_(*key))).mappings().first()
        return None if row is None else record_of(type(record), row)

    def all(self, kind: type[R]) -> list[R]:
        """Give all records of the type, in order of their keys."""
        table = TABLES[kind]
        rows = self._connection.execute(select(table).order_by(*table.primary_key.columns))
        return [record_of(kind, row) for row in rows.mappings()]

    def load_memory(self) -> Memory:
        """Give all records, and the number that the next object's id takes."""
        return Memory(
            releases={(one.rollout, one.number): one for one in self.all(Release)},
            phases={(one.rollout, one.release, one.phase): one for one in self.all(PhaseRecord)},
            memberships={
                (one.rollout, one.release, one.phase): one for one in self.all(Membership)
            },
            tokens={(one.rollout, one.token): one for one in self.all(SeenToken)},
            packages={(one.id, one.version): one for one in self.all(Package)},
            programs={(one.package, one.version, one.name): one for one in self.all(Program)},
            advertisements={(one.id,): one for one in self.all(Advertisement)},
            assignments={
                (one.package, one.version, one.point): one for one in self.all(ContentAssignment)
            },
            next_number=max(self._counters.value(Counter.OBJECT), 1),
        )
