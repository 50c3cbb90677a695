"""Why what is due does not start: decided here, and told once for each reason (H3, H5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.agent.due import due_offers, has_work, may_run
from reconciler.agent.journal import Journal
from reconciler.agent.memory import Memory, Wait
from reconciler.agent.prospects import Prospect, find_hindrance, find_restart_first
from reconciler.agent.redaction import last_lines
from reconciler.agent.spool import tell_statuses
from reconciler.model.messages import StatusId, StatusMessage
from reconciler.model.policy import Offer, Policy
from reconciler.model.run_reasons import WaitReason

_DETAIL = 500
_STATUS = {
    WaitReason.WINDOW_AHEAD: StatusId.WINDOW_TOO_EARLY,
    WaitReason.WINDOW_MISSED: StatusId.WINDOW_TOO_LATE,
    WaitReason.WINDOW_TOO_SHORT: StatusId.WINDOW_TOO_SHORT,
    WaitReason.RESTART: StatusId.RESTART_FIRST_POSTPONED_AUTOMATICALLY,
    WaitReason.RESTART_POSTPONED: StatusId.RESTART_FIRST_POSTPONED_BY_USER,
    WaitReason.RESTART_RESCHEDULED: StatusId.RESTART_FIRST_RESCHEDULED_BY_USER,
    WaitReason.LOCKED: StatusId.INSTALL_POSTPONED_AUTOMATICALLY,
}


@dataclass(frozen=True)
class Waiting:
    """An offer that is due and does not start."""

    offer: Offer
    reason: WaitReason
    detail: str = ""


def find_waiting(policy: Policy, memory: Memory, now: datetime) -> list[Waiting]:
    """Give the offers that are due and that the clock, a freeze or the windows keep waiting.

    Also those that a restart has to come before, whether they are due or not.
    """
    if not may_run(policy, memory, now):
        return []
    due = due_offers(policy, memory, now)
    found = [*_stuck(policy, memory, now)]
    found += [one for offer in due if (one := find_hindrance(offer, policy, memory, now))]
    return [Waiting(one.offer, one.reason, _detail_of(one, memory)) for one in found]


def _stuck(policy: Policy, memory: Memory, now: datetime) -> Iterator[Prospect]:
    """Give the offers that go on after a restart, where that has been put off."""
    is_near = memory.restart is not None and memory.restart.announced_at is not None
    if memory.chain is not None or is_near:
        return
    for offer in policy.offers:
        found = find_restart_first(offer, memory, now)
        if found is not None and has_work(offer, memory) and not offer.held:
            yield found


def tell_waiting(journal: Journal, found: Iterable[Waiting], now: datetime) -> None:
    """Tell the reasons that changed, and forget those that are over."""
    known, waits, statuses = journal.memory.waits, {}, []
    for one in found:
        wait = known.get(one.offer.advertisement)
        if wait is None or wait.reason != one.reason.value:
            wait = Wait(one.reason.value, now)
            statuses.append(_status_of(one, now))
        waits[one.offer.advertisement] = wait
    journal.save(
        memory=replace(journal.memory, waits=waits), spool=tell_statuses(journal.spool, *statuses)
    )


def _detail_of(prospect: Prospect, memory: Memory) -> str:
    is_clock = prospect.reason is WaitReason.CLOCK
    return f"this machine's clock is {abs(memory.ahead)} wrong" if is_clock else ""


def _status_of(waiting: Waiting, now: datetime) -> StatusMessage:
    offer = waiting.offer
    return StatusMessage(
        at=now,
        id=int(_STATUS.get(waiting.reason, StatusId.RUN_WAITS)),
        advertisement=offer.advertisement,
        rollout=offer.rollout,
        release=offer.release,
        run=0,
        reason=waiting.reason.value,
        detail=last_lines(waiting.detail, _DETAIL),
    )
