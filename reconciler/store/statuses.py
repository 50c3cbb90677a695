"""Status messages of computers, kept for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from reconciler.model.codec import encode
from reconciler.model.messages import StatusMessage
from reconciler.store.rows import from_json, revive, to_json
from reconciler.store.schema import status_message


class StatusRepository:
    """What happened on computers, newest last."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, computer_id: str, messages: Sequence[StatusMessage]) -> None:
        """Keep the messages of one computer, in their order."""
        if not messages:
            return
        rows = [
            {
                "computer": computer_id,
                "at": one.at,
                "message": one.id,
                "body": to_json(encode(one)),
            }
            for one in messages
        ]
        self._connection.execute(insert(status_message), rows)

    def of_computer(self, computer_id: str, limit: int) -> list[StatusMessage]:
        """Give the newest messages of a computer, newest first."""
        query = (
            select(status_message.c.id, status_message.c.body)
            .where(status_message.c.computer == computer_id)
            .order_by(status_message.c.id.desc())
            .limit(limit)
        )
        return [
            revive(StatusMessage, from_json(row.body, f"status {row.id}"), f"status {row.id}")
            for row in self._connection.execute(query)
        ]

    def prune(self, before: datetime, keep: int) -> int:
        """Forget messages older than `before` and all but the newest `keep`; give how many."""
        columns = status_message.c
        oldest_kept = self._connection.scalar(
            select(columns.id).order_by(columns.id.desc()).limit(1).offset(max(keep, 1) - 1)
        )
        gone = (columns.at < before) | (columns.id < (oldest_kept or 0))
        return self._connection.execute(delete(status_message).where(gone)).rowcount
