"""The one background task: sees what other processes changed, and writes down contacts."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from starlette.concurrency import run_in_threadpool

from reconciler.model.errors import StoreError
from reconciler.server.contacts import Contacts
from reconciler.server.settings import ServerSettings
from reconciler.server.waiters import Waiters
from reconciler.store import Store
from reconciler.store.store import PolicyChanges

log = structlog.get_logger(__name__)


class Watcher:
    """Wakes waiters when the store's policy version rises."""

    def __init__(
        self, store: Store, waiters: Waiters, contacts: Contacts, settings: ServerSettings
    ) -> None:
        self._store = store
        self._waiters = waiters
        self._contacts = contacts
        self._look_every = settings.look_every.total_seconds()
        self._flush_every = settings.flush_every.total_seconds()
        self._seen = 0
        self._fault = ""
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to watch from the policy version of now."""
        self._seen = await run_in_threadpool(self._store.policy_version)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Let the waiters go and write down the last contacts."""
        self._waiters.close()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        try:
            await run_in_threadpool(self._contacts.flush)
        except StoreError as error:
            log.warning("contacts lost", problem=str(error))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        flush_at = loop.time() + self._flush_every
        while True:
            await asyncio.sleep(self._look_every)
            await self._try_look()
            if loop.time() >= flush_at:
                flush_at = loop.time() + self._flush_every
                await self._try_flush()

    async def _try_look(self) -> None:
        try:
            changes = await run_in_threadpool(self._look)
        except StoreError as error:
            self._tell(str(error))
            return
        self._tell("")
        self._seen = changes.version
        self._waiters.wake(changes)

    async def _try_flush(self) -> None:
        try:
            await run_in_threadpool(self._contacts.flush)
        except StoreError as error:
            self._tell(str(error))

    def _look(self) -> PolicyChanges:
        with self._store.read() as view:
            return view.policy_changes(self._seen)

    def _tell(self, fault: str) -> None:
        """Log a fault of the store when it begins and when it ends, not at every look."""
        if fault and not self._fault:
            log.warning("store fails", problem=fault)
        elif self._fault and not fault:
            log.info("store works again")
        self._fault = fault
