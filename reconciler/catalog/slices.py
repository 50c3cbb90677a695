"""What agents need of the catalog, one file for each operating-system release (S10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from reconciler.model.canonical import canonical_json
from reconciler.model.codec import encode
from reconciler.model.updates import NO_RELEASE, CatalogEntry, CatalogSlice, SliceUpdate, pins_of


def make_slices(version: int, entries: Iterable[CatalogEntry]) -> dict[str, CatalogSlice]:
    """Give the slices by release, without withdrawn updates and those without files.

    What an agent cannot compare with its packages must not look inapplicable to it. `NO_RELEASE`
    names a slice without updates, where there are updates of one's own: computers of a release
    that the catalog has nothing for scan for these alone.
    """
    updates: defaultdict[str, list[SliceUpdate]] = defaultdict(list)
    for entry in entries:
        if entry.update.custom is not None:
            updates[NO_RELEASE] = []
        if entry.withdrawn or not entry.update.has_files:
            continue
        packages, modules = pins_of(entry.update.packages)
        found = SliceUpdate(entry.update.id, packages, modules)
        for release in entry.update.release:
            updates[release].append(found)
    return {
        release: CatalogSlice(release, version, tuple(sorted(chosen, key=lambda one: one.id)))
        for release, chosen in sorted(updates.items())
    }


def slice_bytes(one: CatalogSlice) -> bytes:
    """Give the bytes that agents fetch by their digest."""
    return canonical_json(encode(one))
