"""Read the observed side from the store, keeping in memory what did not change."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from reconciler.model.errors import StoreError
from reconciler.observed.catalog import Catalog, SourceFreshness
from reconciler.observed.checkpoint import Part, decode_fleet, encode_fleet
from reconciler.observed.fleet import Fleet
from reconciler.observed.memory import Memory
from reconciler.observed.state import ObservedState
from reconciler.store import Store, View
from reconciler.store.records import KnownRecords

log = structlog.get_logger(__name__)
_FEWEST_SAVES = 1000
_SHARE_OF_SAVES = 50
_BYTES_AT_ONCE = 1 << 24

SET_ASIDE = "set-aside"
"""Name of the document that tells, for each source, which records of it could not be read."""


class Observer:
    """Loads the fleet once, then only the computers that changed (design decision 3)."""

    def __init__(self, store: Store, *, fewest_saves: int = _FEWEST_SAVES) -> None:
        self._store = store
        self._fewest_saves = fewest_saves
        self._fleet: Fleet | None = None
        self._seen_change = 0
        self._saves = 0
        self._catalog = Catalog()
        self._seen_stamp = -1
        self._memory = Memory()
        self._latest_transition: datetime | None = None
        self._known: KnownRecords = {}
        self._seen_policy = -1

    def observe(self, *, fresh: bool) -> ObservedState:
        """Give the newest state, read in one snapshot."""
        with self._store.read() as view:
            fleet = self._catch_up(view)
            self._read_catalog(view)
            self._read_memory(view)
            return ObservedState(
                fleet=fleet,
                catalog=self._catalog,
                memory=self._memory,
                latest_transition=self._latest_transition,
                fresh=fresh,
                permits=view.permits.all(),
            )

    def save_checkpoint(self, fence: int) -> bool:
        """Write the fleet down where a start would have to read many computers by now.

        Raises LeaseLostError where another controller works by now.
        """
        fleet = self._fleet
        due = max(self._fewest_saves, len(fleet.ids) // _SHARE_OF_SAVES) if fleet is not None else 0
        if fleet is None or self._saves < due:
            return False
        write_checkpoint(self._store, fence, fleet, self._seen_change)
        self._saves = 0
        return True

    def _catch_up(self, view: View) -> Fleet:
        if self._fleet is None:
            self._fleet, self._seen_change = _load_checkpoint(view)
        change = view.change()
        if change == self._seen_change:
            return self._fleet
        if self._seen_change:
            self._fleet.note_contacts(*view.computers.contacts_since(self._seen_change))
        for computers in view.computers.saved_since(self._seen_change):
            self._fleet.keep_all(computers)
            self._saves += len(computers)
        self._seen_change = change
        return self._fleet

    def _read_catalog(self, view: View) -> None:
        stamp = view.catalog.stamp()
        if stamp != self._seen_stamp:
            self._catalog = load_catalog(view)
            self._seen_stamp = stamp
            return
        # A failed read of a source changes no entry, and must be seen all the same (S29).
        sources = _sources(view)
        if sources != self._catalog.sources:
            self._catalog = replace(self._catalog, sources=sources)

    def _read_memory(self, view: View) -> None:
        """Every change of a record raises the version of what all policies share."""
        version = view.site_policy_version()
        if version != self._seen_policy:
            self._memory = view.records.load_memory(self._known)
            self._latest_transition = self._memory.latest_transition()
            self._seen_policy = version


def load_catalog(view: View) -> Catalog:
    """Read the whole catalog."""
    return Catalog(view.catalog.version(), view.catalog.entries(), _sources(view))


def _sources(view: View) -> dict[str, SourceFreshness]:
    told: Mapping[str, str] = view.documents.load(SET_ASIDE) or {}
    return {
        name: replace(one, set_aside=told.get(name, ""))
        for name, one in view.catalog.sources().items()
    }


def write_checkpoint(store: Store, fence: int, fleet: Fleet, change: int) -> None:
    """Write the fleet as of that change down, in writes that are each short."""
    with store.write() as work:
        work.lease.check(fence)
        generation = work.checkpoints.begin()
    for parts in _in_portions(encode_fleet(fleet)):
        with store.write() as work:
            work.lease.check(fence)
            work.checkpoints.add(generation, parts)
    with store.write() as work:
        work.lease.check(fence)
        work.checkpoints.finish(generation, change)


def _in_portions(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Cut the parts so that each write is short: others wait for the lock meanwhile."""
    portion: list[Part] = []
    size = 0
    for name, body in parts:
        portion.append((name, body))
        size += len(body)
        if size > _BYTES_AT_ONCE:
            yield portion
            portion, size = [], 0
    yield portion


def _load_checkpoint(view: View) -> tuple[Fleet, int]:
    """Give the fleet of the newest checkpoint and its change; without a good one an empty fleet."""
    change = view.checkpoints.change()
    if change is None:
        return Fleet(), 0
    try:
        return decode_fleet(view.checkpoints.parts()), change
    except (StoreError, ValueError, zlib.error, struct.error) as error:
        log.warning("checkpoint not used", reason=str(error))
        return Fleet(), 0
