"""Why what is due does not start: decided here, and told once for each reason (H3, H5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Optional

from reconciler.agent.due import due_offers, is_clock_wrong, is_voluntary, may_run
from reconciler.agent.journal import Journal
from reconciler.agent.memory import Memory, Wait
from reconciler.agent.redaction import last_lines
from reconciler.agent.spool import tell_statuses
from reconciler.model.messages import StatusId, StatusMessage
from reconciler.model.policy import Offer, Policy
from reconciler.model.starts import due_at, may_start, windows_of

_DETAIL = 500
CLOCK, LOCKED, CONTENT, PERMIT = "clock", "locked", "content", "permit"
EARLY, LATE, SHORT = "windowAhead", "windowMissed", "windowTooShort"
_STATUS = {
    EARLY: StatusId.WINDOW_TOO_EARLY,
    LATE: StatusId.WINDOW_TOO_LATE,
    SHORT: StatusId.WINDOW_TOO_SHORT,
    LOCKED: StatusId.INSTALL_POSTPONED_AUTOMATICALLY,
}


@dataclass(frozen=True)
class Waiting:
    """An offer that is due and does not start."""

    offer: Offer
    reason: str
    detail: str = ""


def find_waiting(policy: Policy, memory: Memory, now: datetime) -> list[Waiting]:
    """Give the offers that are due and that the clock or the windows keep from starting."""
    if not may_run(policy, memory, now):
        return []
    due = due_offers(policy, memory, now)
    if is_clock_wrong(memory):
        told = f"this machine's clock is {abs(memory.ahead)} wrong"
        return [Waiting(offer, CLOCK, told) for offer in due]
    reasons = ((offer, _window_reason(offer, policy, memory, now)) for offer in due)
    return [Waiting(offer, reason) for offer, reason in reasons if reason]


def tell_waiting(journal: Journal, found: Iterable[Waiting], now: datetime) -> None:
    """Tell the reasons that changed, and forget those that are over."""
    known, waits, statuses = journal.memory.waits, {}, []
    for one in found:
        wait = known.get(one.offer.advertisement)
        if wait is None or wait.reason != one.reason:
            wait = Wait(one.reason, now)
            statuses.append(_status_of(one, now))
        waits[one.offer.advertisement] = wait
    journal.save(
        memory=replace(journal.memory, waits=waits), spool=tell_statuses(journal.spool, *statuses)
    )


def _window_reason(offer: Offer, policy: Policy, memory: Memory, now: datetime) -> Optional[str]:
    if is_voluntary(offer, memory, now) or may_start(offer, policy, timedelta(0), now):
        return None
    openings = windows_of(offer, policy).updates
    rest = max((end - now for begin, end in openings if begin <= now < end), default=None)
    if rest is not None:
        # A window that is long enough is open: it waits for its share of the spread.
        return SHORT if rest < offer.max_runtime else None
    due = due_at(offer, policy, memory.last_end(offer.rollout, offer.release))
    missed = any(due is not None and due < end <= now for _, end in openings)
    return LATE if missed else EARLY


def _status_of(waiting: Waiting, now: datetime) -> StatusMessage:
    offer = waiting.offer
    return StatusMessage(
        at=now,
        id=int(_STATUS.get(waiting.reason, StatusId.RUN_WAITS)),
        advertisement=offer.advertisement,
        rollout=offer.rollout,
        release=offer.release,
        run=0,
        reason=waiting.reason,
        detail=last_lines(waiting.detail, _DETAIL),
    )
