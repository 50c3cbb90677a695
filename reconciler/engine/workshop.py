"""The slow work beside the passes: reading update sources, capturing content."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from reconciler.content.depot import Depot
from reconciler.desired.state import DesiredState
from reconciler.engine.capturing import RETRY_AFTER, carry_out, confirm_scans, open_orders
from reconciler.engine.catalog_sync import (
    MakeReader,
    due_sources,
    forgotten_sources,
    sync_source,
    take_custom_updates,
)
from reconciler.fetch import Fetcher
from reconciler.model.computers import ARCHITECTURE_FACT
from reconciler.model.drills import DrillRecord
from reconciler.model.emergencies import EmergencyRecord
from reconciler.planning.syncing import sync_asked_at
from reconciler.ports import Clock
from reconciler.store import Store, View

log = structlog.get_logger(__name__)
_LOOK_EVERY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Tools:
    """What the slow work is done with."""

    depot: Depot
    fetcher: Fetcher
    make_reader: MakeReader


class Workshop(threading.Thread):
    """Does what is due in the order: sources, then content; nothing else waits for it."""

    def __init__(self, store: Store, tools: Tools, clock: Clock, wake: Callable[[], None]) -> None:
        super().__init__(name="workshop", daemon=True)
        self._store = store
        self._tools = tools
        self._clock = clock
        self._wake = wake
        self._desired: DesiredState | None = None
        self._stopped = threading.Event()
        self._custom_of: DesiredState | None = None
        self._sources_tried: dict[str, datetime] = {}
        self._not_before: dict[tuple[str, int], datetime] = {}

    def follow(self, desired: DesiredState | None) -> None:
        """Take the desired state that is in force."""
        self._desired = desired

    def stop(self) -> None:
        """End after the work that is under way."""
        self._stopped.set()

    def run(self) -> None:
        while not self._stopped.wait(_LOOK_EVERY.total_seconds()):
            try:
                done = self.work_once()
            except Exception:  # the thread must outlive any one failure
                log.exception("workshop failed")
                done = False
            if done:
                self._wake()

    def work_once(self) -> bool:
        """Do all that is due now; tell whether anything changed."""
        desired = self._desired
        synced = desired is not None and self._sync(desired)
        confirmed = confirm_scans(self._store)
        return self._capture() or confirmed or synced

    def _sync(self, desired: DesiredState) -> bool:
        with self._store.read() as view:
            known = view.catalog.sources()
            records = view.records
            asked_at = sync_asked_at(records.all(EmergencyRecord), records.all(DrillRecord))
        changed = self._take_custom(desired)
        changed = self._forget(forgotten_sources(known, desired)) or changed
        now = self._clock.now()
        for name in due_sources(desired, known, self._sources_tried, now, asked_at):
            self._sources_tried[name] = now
            reader = self._tools.make_reader(name, desired.catalog_sources[name].document.spec)
            sync_source(self._store, self._tools.depot, name, reader, self._clock)
            changed = True
        return changed

    def _take_custom(self, desired: DesiredState) -> bool:
        """Take in the updates that git itself holds, once for each desired state."""
        if desired is self._custom_of:
            return False
        changed = take_custom_updates(self._store, self._tools.depot, desired, self._clock)
        self._custom_of = desired
        return changed

    def _forget(self, names: set[str]) -> bool:
        """Let go of sources that git names no more; their updates stay in the catalog."""
        if names:
            with self._store.write() as work:
                for name in sorted(names):
                    work.catalog.forget_source(name)
        return bool(names)

    def _capture(self) -> bool:
        now = self._clock.now()
        with self._store.read() as view:
            orders = open_orders(view, view.records.load_memory())
            architectures = _architectures(view) if orders else frozenset()
        changed = False
        for order in orders:
            key = (order.package.id, order.package.version)
            if self._stopped.is_set() or self._not_before.get(key, now) > now:
                continue
            tools = self._tools
            if not carry_out(self._store, tools.depot, tools.fetcher, order, architectures):
                self._not_before[key] = now + RETRY_AFTER
            changed = True
        return changed


def _architectures(view: View) -> frozenset[str]:
    computers, _ = view.computers.changed_since(0)
    found = (one.facts.get(ARCHITECTURE_FACT) for one in computers if not one.retired)
    return frozenset(name for name in found if isinstance(name, str))
