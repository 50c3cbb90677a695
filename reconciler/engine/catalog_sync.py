"""Bring update sources into the catalog on their schedule (A5, J1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from reconciler.catalog.slices import make_slices, slice_bytes
from reconciler.catalog.supersedence import add_supersedence
from reconciler.content.depot import Depot
from reconciler.desired.state import DesiredState
from reconciler.engine.policies import SLICES
from reconciler.kinds.catalog_source import CatalogSourceSpec
from reconciler.model.errors import CatalogError
from reconciler.observed.catalog import SourceFreshness
from reconciler.ports import CatalogReader, Clock
from reconciler.store import Store, Work
from reconciler.store.catalog import CatalogChange

log = structlog.get_logger(__name__)
RETRY_AFTER = timedelta(minutes=5)
MakeReader = Callable[[str, CatalogSourceSpec], CatalogReader]


def due_sources(
    desired: DesiredState,
    known: Mapping[str, SourceFreshness],
    tried: Mapping[str, datetime],
    now: datetime,
) -> tuple[str, ...]:
    """Give the sources whose schedule has come since they were last read or tried."""
    due: list[str] = []
    for name, placed in desired.catalog_sources.items():
        schedule = placed.document.spec.schedule
        next_at = _next_read(known.get(name), tried.get(name), schedule)
        if next_at is None or next_at <= now:
            due.append(name)
    return tuple(due)


def sync_source(
    store: Store, depot: Depot, name: str, reader: CatalogReader, clock: Clock
) -> CatalogChange | None:
    """Read one source whole and merge it; a failed read changes nothing but its status (S29)."""
    try:
        updates = reader.read()
        with store.write() as work:
            known = work.catalog.entries()
            change = work.catalog.merge(name, add_supersedence(known, updates), clock.now())
            if not change.is_empty or work.documents.load(SLICES) is None:
                save_slices(work, depot)
    except CatalogError as error:
        log.warning("catalog source unreadable", source=name, reason=str(error))
        with store.write() as work:
            work.catalog.source_failed(name, str(error), clock.now())
        return None
    log.info("catalog source read", source=name, updates=len(updates), version=change.version)
    return change


def save_slices(work: Work, depot: Depot) -> None:
    """Make the slice of every operating-system release, and say which files they are."""
    slices = make_slices(work.catalog.version(), work.catalog.entries().values())
    digests = {release: depot.put(slice_bytes(one)) for release, one in slices.items()}
    work.documents.save(SLICES, digests)


def _next_read(
    freshness: SourceFreshness | None, tried_at: datetime | None, schedule: timedelta
) -> datetime | None:
    """A read that failed is tried again soon, one that worked after the schedule (S29)."""
    fetched_at = freshness.fetched_at if freshness else None
    failed = freshness is not None and bool(freshness.problem)
    if fetched_at is not None and not failed:
        return fetched_at + schedule
    return tried_at + min(schedule, RETRY_AFTER) if tried_at is not None else None
