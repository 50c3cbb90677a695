"""Requests that wait for a new policy, and the one task that wakes them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.store.store import PolicyChanges


class Waiters:
    """Everyone who waits, by computer; used on the event loop only."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.waiting = 0
        self.closed = False

    @property
    def is_full(self) -> bool:
        """Tell whether one more may not wait."""
        return self.waiting >= self._limit

    @contextmanager
    def listen(self, computer: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set when the computer's policy may have changed."""
        event = asyncio.Event()
        self._events[computer].add(event)
        try:
            yield event
        finally:
            self._events[computer].discard(event)
            if not self._events[computer]:
                del self._events[computer]

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Wait for the event, at most so long."""
        self.waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self.waiting -= 1

    def wake(self, changes: PolicyChanges) -> None:
        """Wake those whose policy may have changed."""
        concerned = list(self._events) if changes.everybody else changes.computers
        for computer in concerned:
            for event in self._events.get(computer, ()):
                event.set()

    def close(self) -> None:
        """Let everyone go and nobody wait again, because the server stops."""
        self.closed = True
        for events in self._events.values():
            for event in events:
                event.set()
