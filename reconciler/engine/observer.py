"""Read the observed side from the store, keeping in memory what did not change."""

from __future__ import annotations

from dataclasses import replace

from reconciler.observed.catalog import Catalog
from reconciler.observed.fleet import Fleet
from reconciler.observed.state import ObservedState
from reconciler.store import Store, View


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
        sources = view.catalog.sources()
        if sources != self._catalog.sources:
            self._catalog = replace(self._catalog, sources=sources)


def load_catalog(view: View) -> Catalog:
    """Read the whole catalog."""
    return Catalog(view.catalog.version(), view.catalog.entries(), view.catalog.sources())
