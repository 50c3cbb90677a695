"""Read the observed side from the store, keeping in memory what did not change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.observed.catalog import Catalog, SourceFreshness
from reconciler.observed.fleet import Fleet
from reconciler.observed.state import ObservedState
from reconciler.store import Store, View

SET_ASIDE = "set-aside"
"""Name of the document that tells, for each source, which records of it could not be read."""


class Observer:
    """Loads the fleet once, then only the computers that changed (design decision 3)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._fleet = Fleet()
        self._seen_change = 0
        self._catalog = Catalog()
        self._seen_stamp = -1

    def observe(self, *, fresh: bool) -> ObservedState:
        """Give the newest state, read in one snapshot."""
        with self._store.read() as view:
            self._catch_up(view)
            memory = view.records.load_memory()
            return ObservedState(
                fleet=self._fleet,
                catalog=self._catalog,
                memory=memory,
                latest_transition=memory.latest_transition(),
                fresh=fresh,
                permits=view.permits.all(),
            )

    def _catch_up(self, view: View) -> None:
        computers, self._seen_change = view.computers.changed_since(self._seen_change)
        for computer in computers:
            self._fleet.keep(computer)
        stamp = view.catalog.stamp()
        if stamp != self._seen_stamp:
            self._catalog = load_catalog(view)
            self._seen_stamp = stamp
            return
        # A failed read of a source changes no entry, and must be seen all the same (S29).
        sources = _sources(view)
        if sources != self._catalog.sources:
            self._catalog = replace(self._catalog, sources=sources)


def load_catalog(view: View) -> Catalog:
    """Read the whole catalog."""
    return Catalog(view.catalog.version(), view.catalog.entries(), _sources(view))


def _sources(view: View) -> dict[str, SourceFreshness]:
    told: Mapping[str, str] = view.documents.load(SET_ASIDE) or {}
    return {
        name: replace(one, set_aside=told.get(name, ""))
        for name, one in view.catalog.sources().items()
    }
