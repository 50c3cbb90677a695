"""Messages that wait until the site has acknowledged them: pure steps from one spool to the next.

A batch is sealed once and sent unchanged until it is acknowledged. What is told meanwhile waits
for the next one. Whoever holds the spool writes it to disk after each step.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Optional

from reconciler.model.messages import (
    Batch,
    BatchReply,
    FactsReport,
    InventoryReport,
    ScanOutcome,
    ScanReport,
    StatusMessage,
)
from reconciler.model.updates import UpdateState

STATUS_LIMIT = 1000
_STATUSES_PER_BATCH = 200


@dataclass(frozen=True)
class Spool:
    """What has been told, what was sent, and what the site is known to hold.

    `scan` is the newest completed scan with all states but notApplicable; `acknowledged` are the
    states that the site holds; `lost` counts statuses that fell out because there were too many.
    """

    epoch: int
    serial: int = 0
    needs_full: bool = True
    outgoing: Optional[Batch] = None
    facts: Optional[FactsReport] = None
    facts_wait: bool = False
    inventory: Optional[InventoryReport] = None
    inventory_waits: bool = False
    scan: Optional[ScanReport] = None
    scan_waits: bool = False
    failed_scan: Optional[ScanReport] = None
    statuses: tuple[StatusMessage, ...] = ()
    acknowledged: dict[str, UpdateState] = field(default_factory=dict)
    lost: int = 0

    @property
    def waiting(self) -> int:
        """Count what the site has not acknowledged."""
        waiting = (self.facts_wait, self.inventory_waits, self.scan_waits, bool(self.failed_scan))
        sent = len(self.outgoing.statuses) + 1 if self.outgoing else 0
        return sum(waiting) + len(self.statuses) + sent


def tell_facts(spool: Spool, report: FactsReport) -> Spool:
    """Keep the facts; they wait for delivery only where they differ from the last ones."""
    if spool.facts is not None and spool.facts.facts == report.facts:
        return spool
    return replace(spool, facts=report, facts_wait=True)


def tell_inventory(spool: Spool, report: InventoryReport) -> Spool:
    """Keep the inventory; it waits for delivery only where it differs from the last one (A2)."""
    if spool.inventory is not None and replace(spool.inventory, at=report.at) == report:
        return spool
    return replace(spool, inventory=report, inventory_waits=True)


def tell_scan(spool: Spool, report: ScanReport) -> Spool:
    """Keep a scan. A completed one brings all its states, and every one is told (S14).

    It outdates a failed one that still waits; a failed one changes no state (S29).
    """
    if report.outcome is ScanOutcome.FAILED:
        return replace(spool, failed_scan=report)
    return replace(spool, scan=report, scan_waits=True, failed_scan=None)


def tell_statuses(spool: Spool, *messages: StatusMessage) -> Spool:
    """Add status messages; past the limit the oldest that wait are lost, and counted."""
    statuses = spool.statuses + messages
    over = max(0, len(statuses) - STATUS_LIMIT)
    return replace(spool, statuses=statuses[over:], lost=spool.lost + over)


def seal(spool: Spool, computer: str, now: datetime, instance: str = "") -> Spool:
    """Put what waits into the outgoing batch, unless one is out already or nothing waits.

    `instance` names this life of the agent.
    """
    if spool.outgoing is not None or not (spool.needs_full or spool.waiting):
        return spool
    full = spool.needs_full
    batch = Batch(
        computer=computer,
        epoch=spool.epoch,
        serial=spool.serial + 1,
        full=full,
        sent_at=now,
        facts=spool.facts if full or spool.facts_wait else None,
        inventory=spool.inventory if full or spool.inventory_waits else None,
        scan=_scan_to_send(spool),
        statuses=spool.statuses[:_STATUSES_PER_BATCH],
        instance=instance,
    )
    completed = batch.scan is not None and batch.scan.outcome is ScanOutcome.COMPLETED
    return replace(
        spool,
        serial=batch.serial,
        outgoing=batch,
        facts_wait=False,
        inventory_waits=False,
        scan_waits=spool.scan_waits and not completed,
        failed_scan=spool.failed_scan if completed else None,
        statuses=spool.statuses[_STATUSES_PER_BATCH:],
    )


def acknowledge(spool: Spool, reply: BatchReply) -> Spool:
    """Take the site's answer to the outgoing batch.

    A resync, or an answer that shows that the site remembers more than we do, asks for a full
    batch; where its epoch is not ours, or its serial is ahead of ours, in a greater epoch.
    """
    batch = spool.outgoing
    if batch is None:
        return spool
    ahead = reply.epoch > batch.epoch or (
        reply.epoch == batch.epoch and reply.serial > batch.serial
    )
    if (reply.resync and not reply.accepted) or ahead:
        return _start_over(_take_back(spool), reply.epoch + 1 if ahead else spool.epoch)
    return replace(
        spool,
        outgoing=None,
        needs_full=reply.resync or (spool.needs_full and not batch.full),
        acknowledged=_states_after(spool.acknowledged, batch),
    )


def drop_outgoing(spool: Spool) -> Spool:
    """Give up a batch that the site calls malformed, and go on with a full one."""
    return replace(spool, outgoing=None, needs_full=True)


def drop_inventory(spool: Spool) -> Spool:
    """Go on without the inventory after a batch was too large for the site."""
    return replace(_take_back(spool), inventory=None, inventory_waits=False, needs_full=True)


def _scan_to_send(spool: Spool) -> Optional[ScanReport]:
    scan = spool.scan
    if scan is not None and spool.needs_full:
        return scan
    if scan is not None and spool.scan_waits:
        return replace(scan, changes=_changes(spool.acknowledged, scan.changes))
    return spool.failed_scan


def _changes(
    held: dict[str, UpdateState], states: dict[str, UpdateState]
) -> dict[str, UpdateState]:
    gone = {id_: UpdateState.NOT_APPLICABLE for id_ in held if id_ not in states}
    return {**gone, **{id_: state for id_, state in states.items() if held.get(id_) != state}}


def _states_after(held: dict[str, UpdateState], batch: Batch) -> dict[str, UpdateState]:
    if batch.scan is None or batch.scan.outcome is not ScanOutcome.COMPLETED:
        return held
    states = {} if batch.full else dict(held)
    states.update(batch.scan.changes)
    return {id_: state for id_, state in states.items() if state != UpdateState.NOT_APPLICABLE}


def _take_back(spool: Spool) -> Spool:
    """Put the statuses of the batch back in front; all else is told again by a full one."""
    batch = spool.outgoing
    if batch is None:
        return spool
    failed = batch.scan if batch.scan and batch.scan.outcome is ScanOutcome.FAILED else None
    back = tell_statuses(replace(spool, statuses=batch.statuses), *spool.statuses)
    return replace(back, outgoing=None, failed_scan=spool.failed_scan or failed)


def _start_over(spool: Spool, epoch: int) -> Spool:
    serial = spool.serial if epoch == spool.epoch else 0
    return replace(spool, epoch=epoch, serial=serial, needs_full=True)
