"""Who was heard of since the last flush."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from reconciler.model.errors import StoreError
from reconciler.store import Store


class Contacts:
    """Last contacts in memory, so that a poll costs no write."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._heard: dict[str, datetime] = {}
        self._lock = Lock()

    def note(self, computer: str, at: datetime) -> None:
        """Remember that the computer spoke."""
        with self._lock:
            self._heard[computer] = at

    def flush(self) -> None:
        """Write down what was heard; where the store refuses, keep it for the next time."""
        with self._lock:
            heard, self._heard = self._heard, {}
        if not heard:
            return
        try:
            with self._store.write() as work:
                work.computers.contacts(heard)
        except StoreError:
            with self._lock:
                self._heard = heard | self._heard
            raise
