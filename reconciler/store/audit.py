"""What people did to the site by hand, beside git: kept for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from reconciler.store.schema import audit


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One act: when, by which user of the machine, what, and to what."""

    at: datetime
    by: str
    what: str
    detail: str


class AuditRepository:
    """The record of acts; entries are only ever added."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, entry: AuditEntry) -> None:
        """Keep an act, in the transaction that does it."""
        row = {"at": entry.at, "by": entry.by, "what": entry.what, "detail": entry.detail}
        self._connection.execute(insert(audit), row)

    def newest(self, limit: int) -> list[AuditEntry]:
        """Give the newest acts, newest first."""
        rows = self._connection.execute(select(audit).order_by(audit.c.id.desc()).limit(limit))
        return [AuditEntry(row.at, row.by, row.what, row.detail) for row in rows]
