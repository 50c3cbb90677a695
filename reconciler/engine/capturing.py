"""Bring packages' content to the distribution point (K1, F5: 2342 started, 2330 done)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from reconciler.content.capture import capture
from reconciler.content.depot import Depot
from reconciler.engine.policies import SLICES
from reconciler.fetch import Fetcher
from reconciler.model.errors import ContentError
from reconciler.model.objects import ContentAssignment, ContentState, Package
from reconciler.model.updates import CatalogEntry, Update
from reconciler.observed.memory import Memory
from reconciler.planning.emergencies import SCAN_RELEASE
from reconciler.store import Store, View

log = structlog.get_logger(__name__)
RETRY_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class CaptureOrder:
    """One package version to capture: its updates, and what their dependencies may come from."""

    assignment: ContentAssignment
    package: Package
    updates: tuple[Update, ...]
    index: tuple[Update, ...]


def open_orders(view: View, memory: Memory) -> tuple[CaptureOrder, ...]:
    """Give the package versions whose content is not there yet."""
    waiting = [
        assignment
        for _, assignment in sorted(memory.assignments.items())
        if assignment.state is ContentState.STARTED
    ]
    if not waiting:
        return ()
    entries = view.catalog.entries()
    orders = (_order(memory, entries, assignment) for assignment in waiting)
    return tuple(order for order in orders if order is not None)


def confirm_scans(store: Store) -> bool:
    """Confirm the content of emergencies' and drills' scans: slices as new as they ask for.

    The site's point serves the slices from its depot as soon as they are saved (D4, step 2).
    """
    with store.read() as view:
        memory, version = view.records.load_memory(), view.catalog.version()
        has_slices = view.documents.load(SLICES) is not None
    ready = [
        assignment
        for key, assignment in sorted(memory.assignments.items())
        if assignment.state is ContentState.STARTED
        and (package := memory.packages.get(key[:2])) is not None
        and package.release == SCAN_RELEASE
        and package.version <= version
    ]
    if not ready or not has_slices:
        return False
    with store.write() as work:
        for assignment in ready:
            if work.records.find(assignment) == assignment:
                work.records.put(replace(assignment, state=ContentState.DONE))
    return True


def carry_out(
    store: Store, depot: Depot, fetcher: Fetcher, order: CaptureOrder, architectures: frozenset[str]
) -> bool:
    """Capture one package version and record its end; tell whether it worked.

    The record is written only if the assignment is still as it was ordered: it may have been
    retired meanwhile.
    """
    try:
        manifest, size = capture(
            order.package, order.updates, order.index, depot, fetcher, architectures
        )
        done = replace(
            order.assignment, state=ContentState.DONE, manifest=manifest, size=size, problem=""
        )
    except ContentError as error:
        log.warning("content not captured", package=order.package.id, reason=str(error))
        done = replace(order.assignment, problem=str(error))
    with store.write() as work:
        if work.records.find(order.assignment) == order.assignment and done != order.assignment:
            work.records.put(done)
    return done.state is ContentState.DONE


def _order(
    memory: Memory, entries: Mapping[str, CatalogEntry], assignment: ContentAssignment
) -> CaptureOrder | None:
    package = memory.packages.get((assignment.package, assignment.version))
    release = memory.releases.get((package.rollout, package.release)) if package else None
    if package is None or release is None:
        return None
    updates = tuple(
        entries[update.id].update for update in release.offered() if update.id in entries
    )
    sources = {update.source for update in updates}
    index = tuple(
        entry.update
        for entry in entries.values()
        if entry.update.source in sources and not entry.withdrawn
    )
    return CaptureOrder(assignment, package, updates, index)
