"""What changed at the site, newest last, kept for a while (S30)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from reconciler.store.schema import event

KEPT_EVENTS = 10_000


@dataclass(frozen=True, slots=True)
class Event:
    """A condition of a subject became true or false at an instant."""

    at: datetime
    subject: str
    type: str
    status: str
    reason: str
    message: str


class EventRepository:
    """The newest events of the site."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, events: Sequence[Event]) -> None:
        """Keep events in their order, and forget the oldest beyond `KEPT_EVENTS`."""
        if not events:
            return
        rows = [
            {
                "at": one.at,
                "subject": one.subject,
                "type": one.type,
                "status": one.status,
                "reason": one.reason,
                "message": one.message,
            }
            for one in events
        ]
        self._connection.execute(insert(event), rows)
        newest = self._connection.scalar(select(func.max(event.c.id))) or 0
        self._connection.execute(delete(event).where(event.c.id <= newest - KEPT_EVENTS))

    def newest(self, limit: int) -> list[Event]:
        """Give the newest events, newest first."""
        rows = self._connection.execute(select(event).order_by(event.c.id.desc()).limit(limit))
        return [
            Event(row.at, row.subject, row.type, row.status, row.reason, row.message)
            for row in rows
        ]
