"""Take what agents sent from the inbox into the computers' records, each batch once (J6)."""

from __future__ import annotations

import structlog

from reconciler.engine.evidence import after_batch
from reconciler.store import Store, Work
from reconciler.store.inbox import InboxItem

log = structlog.get_logger(__name__)
BATCHES_AT_ONCE = 200


def take_in(store: Store, fence: int) -> int:
    """Empty the inbox and give how many batches there were.

    A record and its batch's leaving the inbox are one transaction: a crash takes it in again.
    """
    taken = 0
    while True:
        with store.write() as work:
            work.lease.check(fence)
            items = work.inbox.take(BATCHES_AT_ONCE)
            for item in items:
                _take_or_set_aside(work, item)
        taken += len(items)
        if len(items) < BATCHES_AT_ONCE:
            return taken


def _take_or_set_aside(work: Work, item: InboxItem) -> None:
    """One batch that cannot be taken in must not keep the others waiting for ever (J6)."""
    try:
        _take_one(work, item)
    except (ValueError, TypeError, ArithmeticError) as error:
        work.inbox.set_aside(item.id, f"it cannot be taken in: {error}")
        log.exception("batch set aside", computer=item.batch.computer)


def _take_one(work: Work, item: InboxItem) -> None:
    batch = item.batch
    computer = work.computers.find(batch.computer)
    if computer is None or computer.retired:
        work.inbox.set_aside(item.id, "no enrolled computer has this id")
        log.warning("batch set aside", computer=batch.computer, serial=batch.serial)
        return
    if computer.quarantine:
        # What two machines say by turns is evidence of neither (L3).
        work.inbox.done([item.id])
        log.warning("batch of a quarantined computer dropped", computer=computer.name)
        return
    updated = after_batch(computer, batch, item.received_at, work.catalog.version())
    if updated != computer:
        work.computers.save(updated)
    if batch.inventory is not None:
        work.computers.save_inventory(computer.id, batch.inventory)
    if batch.statuses:
        work.statuses.add(computer.id, batch.statuses)
    work.inbox.done([item.id])
