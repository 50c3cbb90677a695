"""Bring update sources into the catalog on their schedule (A5, J1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from reconciler.catalog.slices import make_slices, slice_bytes
from reconciler.catalog.supersedence import add_supersedence
from reconciler.content.depot import Depot
from reconciler.desired.custom import CUSTOM_SOURCE, custom_updates
from reconciler.desired.state import DesiredState
from reconciler.engine.observer import SET_ASIDE
from reconciler.engine.policies import SLICES
from reconciler.kinds.catalog_source import CatalogSourceSpec
from reconciler.model.errors import CatalogError
from reconciler.observed.catalog import SourceFreshness
from reconciler.ports import CatalogReader, Clock, Listing
from reconciler.store import Store, Work
from reconciler.store.catalog import CatalogChange

log = structlog.get_logger(__name__)
RETRY_AFTER = timedelta(minutes=5)
URGENT_RETRY_AFTER = timedelta(seconds=30)
_MOST_LOGGED = 20
_IMPORTED = "import/"
MakeReader = Callable[[str, CatalogSourceSpec], CatalogReader]


def due_sources(
    desired: DesiredState,
    known: Mapping[str, SourceFreshness],
    tried: Mapping[str, datetime],
    now: datetime,
    asked_at: datetime | None = None,
) -> tuple[str, ...]:
    """Give the sources whose schedule has come since they were last read or tried.

    Since `asked_at` an emergency or a drill waits for a read of every source, which is not put
    off (D4).
    """
    due: list[str] = []
    for name, placed in desired.catalog_sources.items():
        freshness, tried_at = known.get(name), tried.get(name)
        next_at = _next_read(freshness, tried_at, placed.document.spec.schedule)
        if asked_at is not None and not _was_read_since(freshness, asked_at):
            was_tried = tried_at is not None and tried_at >= asked_at
            next_at = tried_at + URGENT_RETRY_AFTER if tried_at and was_tried else None
        if next_at is None or next_at <= now:
            due.append(name)
    return tuple(due)


@dataclass(frozen=True, slots=True)
class Synced:
    """What a read of a source brought: the catalog's change, and what could not be read."""

    change: CatalogChange
    listing: Listing


def sync_source(
    store: Store, depot: Depot, name: str, reader: CatalogReader, clock: Clock
) -> Synced | None:
    """Read one source whole and merge it; a failed read changes nothing but its status (S29)."""
    try:
        listing = reader.read()
        change = take_listing(store, depot, name, listing, clock)
    except CatalogError as error:
        log.warning("catalog source unreadable", source=name, reason=str(error))
        with store.write() as work:
            work.catalog.source_failed(name, str(error), clock.now())
        return None
    for one in listing.set_aside[:_MOST_LOGGED]:
        log.warning("record set aside", source=name, record=one.where, reason=one.reason)
    log.info(
        "catalog source read",
        source=name,
        updates=len(listing.updates),
        set_aside=len(listing.set_aside),
        version=change.version,
    )
    return Synced(change, listing)


def take_listing(
    store: Store, depot: Depot, name: str, listing: Listing, clock: Clock
) -> CatalogChange:
    """Merge a read into the catalog; what was set aside is not taken for withdrawn (S29)."""
    with store.write() as work:
        updates = add_supersedence(work.catalog.entries(), listing.updates)
        change = work.catalog.merge(name, updates, clock.now(), listing.may_hold)
        if not change.is_empty or work.documents.load(SLICES) is None:
            save_slices(work, depot)
        _note_set_aside(work, name, listing)
    return change


def _note_set_aside(work: Work, name: str, listing: Listing) -> None:
    """Keep what `status` says of broken records, until a read has none (J1)."""
    told: dict[str, str] = work.documents.load(SET_ASIDE) or {}
    others = {source: text for source, text in told.items() if source != name}
    work.documents.save(
        SET_ASIDE, others | ({name: _summary(listing)} if listing.set_aside else {})
    )


def _summary(listing: Listing) -> str:
    first = listing.set_aside[0]
    count = len(listing.set_aside)
    what = "1 record is" if count == 1 else f"{count} records are"
    return f"{what} set aside; the first is {first.where:.100}: {first.reason:.200}"


def take_custom_updates(store: Store, depot: Depot, desired: DesiredState, clock: Clock) -> bool:
    """Bring the CustomUpdates that are in force into the catalog; tell whether it changed (E2).

    Git was read whole, so what it holds no more is withdrawn, all of it too.
    """
    updates = custom_updates(desired)
    with store.write() as work:
        known = [one for one in work.catalog.entries().values() if one.update.custom is not None]
        if not updates and not known:
            return False
        change = work.catalog.merge(CUSTOM_SOURCE, updates, clock.now(), may_be_empty=True)
        if not change.is_empty or work.documents.load(SLICES) is None:
            save_slices(work, depot)
    return not change.is_empty


def import_name(name: str) -> str:
    """Name what was imported by hand; no manifest can have a source of that name."""
    return f"{_IMPORTED}{name}"


def forgotten_sources(known: Iterable[str], desired: DesiredState) -> set[str]:
    """Give the sources that git names no more; imports and CustomUpdates were never named."""
    left = set(known) - set(desired.catalog_sources)
    return {name for name in left if not name.startswith((_IMPORTED, CUSTOM_SOURCE))}


def save_slices(work: Work, depot: Depot) -> None:
    """Make the slice of every operating-system release, and say which files they are."""
    slices = make_slices(work.catalog.version(), work.catalog.entries().values())
    digests = {release: depot.put(slice_bytes(one)) for release, one in slices.items()}
    work.documents.save(SLICES, digests)


def _was_read_since(freshness: SourceFreshness | None, moment: datetime) -> bool:
    fetched_at = freshness.fetched_at if freshness is not None else None
    return fetched_at is not None and fetched_at >= moment


def _next_read(
    freshness: SourceFreshness | None, tried_at: datetime | None, schedule: timedelta
) -> datetime | None:
    """A read that failed is tried again soon, one that worked after the schedule (S29)."""
    fetched_at = freshness.fetched_at if freshness else None
    failed = freshness is not None and bool(freshness.problem)
    if fetched_at is not None and not failed:
        return fetched_at + schedule
    return tried_at + min(schedule, RETRY_AFTER) if tried_at is not None else None
