"""Permits in force, and who waits for one (S19)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Delete, Table, delete, select

from reconciler.model.codec import encode
from reconciler.model.permits import Permit, Waiting
from reconciler.store.counters import Counters
from reconciler.store.rows import from_json, revive, to_json, upsert
from reconciler.store.schema import permit as permit_table
from reconciler.store.schema import permit_request


class PermitRepository:
    """One permit, and one request, per computer and advertisement."""

    def __init__(self, connection: Connection, counters: Counters) -> None:
        self._connection = connection
        self._counters = counters

    def all(self) -> tuple[Permit, ...]:
        """Give all permits, by computer and advertisement."""
        columns = permit_table.c
        asked = select(permit_table).order_by(columns.computer, columns.advertisement)
        return tuple(
            revive(Permit, from_json(row.body, f"permit {row.computer}"), f"permit {row.computer}")
            for row in self._connection.execute(asked)
        )

    def grant(self, permit: Permit) -> None:
        """Keep a permit in place of the one that the computer has for the advertisement."""
        row = {
            "computer": permit.computer,
            "advertisement": permit.advertisement,
            "body": to_json(encode(permit)),
        }
        self._connection.execute(upsert(permit_table, self._connection), row)
        self._connection.execute(_of(permit_request, permit.computer, permit.advertisement))
        self._counters.mark_change()

    def end(self, permit: Permit) -> None:
        """Take a permit back."""
        self._connection.execute(_of(permit_table, permit.computer, permit.advertisement))
        self._counters.mark_change()

    def release(self, computer: str) -> int:
        """Take back all permits of a computer; give how many there were."""
        held = [permit for permit in self.all() if permit.computer == computer]
        for permit in held:
            self.end(permit)
        return len(held)

    def waiting(self, since: datetime) -> tuple[Waiting, ...]:
        """Give who asked at or after the instant; older requests are forgotten."""
        columns = permit_request.c
        self._connection.execute(delete(permit_request).where(columns.asked_at < since))
        asked = select(permit_request).order_by(columns.computer, columns.advertisement)
        return tuple(
            revive(Waiting, from_json(row.body, f"request {row.computer}"), "request for a permit")
            for row in self._connection.execute(asked)
        )

    def wait(self, waiting: Waiting) -> None:
        """Keep that a computer has asked, in place of its last request."""
        row = {
            "computer": waiting.computer,
            "advertisement": waiting.advertisement,
            "asked_at": waiting.asked_at,
            "body": to_json(encode(waiting)),
        }
        self._connection.execute(upsert(permit_request, self._connection), row)


def _of(table: Table, computer: str, advertisement: str) -> Delete:
    return delete(table).where(table.c.computer == computer, table.c.advertisement == advertisement)
