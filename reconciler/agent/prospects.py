"""Why what is offered and missing does not run now, and until when: pure (H3, H5, S4, S17)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Optional

from reconciler.agent.due import (
    has_work,
    is_clock_wrong,
    is_due_now,
    is_voluntary,
    waits_for_restart,
)
from reconciler.agent.memory import Choice, Memory
from reconciler.agent.restarts import BY_USER, BY_USER_AT
from reconciler.model.policy import Offer, Policy
from reconciler.model.run_reasons import WaitReason
from reconciler.model.starts import due_at, is_due, may_start, offset_of, ripe, windows_of

_POSTPONED_BY = {
    BY_USER: WaitReason.RESTART_POSTPONED,
    BY_USER_AT: WaitReason.RESTART_RESCHEDULED,
}


@dataclass(frozen=True)
class Prospect:
    """What an offer waits for; `until` is when that ends by time alone, if it does."""

    offer: Offer
    reason: WaitReason
    until: Optional[datetime] = None


def list_prospects(policy: Policy, memory: Memory, now: datetime) -> Iterator[Prospect]:
    """Say of all that is offered and missing here what it waits for."""
    for offer in policy.offers:
        if has_work(offer, memory):
            yield find_prospect(offer, policy, memory, now)


def find_prospect(offer: Offer, policy: Policy, memory: Memory, now: datetime) -> Prospect:
    """Say what the offer waits for: the first reason that fits."""
    found = _why_nothing_starts(offer, policy, memory, now)
    if found is None:
        found = find_restart_first(offer, memory, now)
    if found is None and not is_due_now(ripe(offer, now), policy, memory, now):
        found = _why_not_due(offer, policy, memory, now)
    if found is None:
        found = find_hindrance(offer, policy, memory, now)
    return found or Prospect(offer, _told_of(offer, memory))


def find_restart_first(offer: Offer, memory: Memory, now: datetime) -> Optional[Prospect]:
    """Say what becomes of the restart that the offer's next run has to wait for, if it has to."""
    if not waits_for_restart(offer, memory):
        return None
    restart = memory.restart
    until = restart.postponed_until if restart is not None else None
    if restart is None or until is None or until <= now:
        return Prospect(offer, WaitReason.RESTART)
    return Prospect(offer, _POSTPONED_BY.get(restart.postponed_by, WaitReason.RESTART), until)


def find_hindrance(
    offer: Offer, policy: Policy, memory: Memory, now: datetime
) -> Optional[Prospect]:
    """Say why an offer that is due may not start: the clock, a freeze, or its windows."""
    if is_clock_wrong(memory):
        return Prospect(offer, WaitReason.CLOCK)
    if is_voluntary(offer, memory, now) or may_start(offer, policy, timedelta(0), now):
        return None
    windows = windows_of(offer, policy)
    frozen = _latest_end(windows.frozen, now)
    if frozen is not None:
        return Prospect(offer, WaitReason.FREEZE, frozen + offset_of(offer, policy))
    opens_at = min((begin for begin, _ in windows.updates if now < begin), default=None)
    closes_at = _latest_end(windows.updates, now)
    if closes_at is not None:
        # A window that is long enough is open: it waits for its share of the spread.
        is_short = closes_at - now < offer.max_runtime
        return Prospect(offer, WaitReason.WINDOW_TOO_SHORT, opens_at) if is_short else None
    due = due_at(offer, policy, memory.last_end(offer.rollout, offer.release))
    missed = any(due is not None and due < end <= now for _, end in windows.updates)
    return Prospect(
        offer, WaitReason.WINDOW_MISSED if missed else WaitReason.WINDOW_AHEAD, opens_at
    )


def _why_nothing_starts(
    offer: Offer, policy: Policy, memory: Memory, now: datetime
) -> Optional[Prospect]:
    if not policy.enforce:
        return Prospect(offer, WaitReason.OBSERVING)
    if now >= policy.expires_at:
        return Prospect(offer, WaitReason.POLICY_EXPIRED)
    if memory.current is not None:
        return Prospect(offer, WaitReason.RUNNING)
    if offer.held:
        return Prospect(offer, WaitReason.HELD)
    return None


def _why_not_due(offer: Offer, policy: Policy, memory: Memory, now: datetime) -> Prospect:
    """Say why no run is due: somebody may choose, or its time has not come."""
    choice = memory.choices.get(offer.advertisement, Choice())
    if choice.start_at is not None and now < choice.start_at:
        return Prospect(offer, WaitReason.CHOSEN, choice.start_at)
    end = memory.last_end(offer.rollout, offer.release)
    due = due_at(offer, policy, end)
    if end is not None and is_due(offer, policy, None, now):
        return Prospect(offer, WaitReason.RETRY, due)
    deadline = offer.mandatory_at
    if deadline is None or (offer.order.user.available and now < deadline):
        postponed = choice.postponed_until
        if postponed is not None and now < postponed:
            return Prospect(offer, WaitReason.POSTPONED, postponed)
        return Prospect(offer, WaitReason.USER, due)
    return Prospect(offer, WaitReason.SPREAD, due)


def _told_of(offer: Offer, memory: Memory) -> WaitReason:
    """Give what only a try can find out, as it was told last."""
    wait = memory.waits.get(offer.advertisement)
    tried = (WaitReason.LOCKED, WaitReason.PERMIT, WaitReason.CONTENT)
    known = [reason for reason in tried if wait is not None and wait.reason == reason.value]
    return known[0] if known else WaitReason.NEXT


def _latest_end(spans: Iterable[tuple[datetime, datetime]], now: datetime) -> Optional[datetime]:
    """Give when the last of the spans ends that hold this instant."""
    return max((end for begin, end in spans if begin <= now < end), default=None)
