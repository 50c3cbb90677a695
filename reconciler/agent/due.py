"""What is due on this computer now: pure decisions over policy, memory and the site's time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Optional

from reconciler.agent.memory import Choice, Memory, custom_digest, updates_to_do
from reconciler.agent.reminders import reminder_at
from reconciler.agent.restarts import next_decision_at
from reconciler.model.composition import compose
from reconciler.model.ids import unit_interval_position
from reconciler.model.policy import Offer, Policy
from reconciler.model.starts import fitting, is_due, ripe, run_order, start_changes

_FIRST_SCAN_DOMAIN = "patchwright.dev/first-scan/v1\n"
_WRONG_CLOCK = timedelta(hours=12)
_FIRST_RETRY = timedelta(seconds=30)
_LONGEST_RETRY = timedelta(hours=1)


def scan_due_at(policy: Policy, memory: Memory) -> Optional[datetime]:
    """Say when the next scan starts; nothing where the site has no catalog for us."""
    order, last = policy.scan, memory.last_scan
    if order.catalog is None:
        return None
    if last is None:
        due = (memory.first_policy_at or policy.issued_at) + _first_offset(policy)
    elif order.content_version > last.content_version or custom_digest(order) != last.custom:
        due = last.ended_at
    else:
        due = last.started_at + order.every
    asked = [by for after, by in order.asked if last is None or last.started_at < after]
    due = min([due, *asked])
    if memory.scan_failed_at is not None:
        # A scan that cannot work must not be tried at every poll.
        due = max(due, memory.scan_failed_at + _retry_after(memory.scan_failures, order.every))
    return due


def runnable_offers(policy: Policy, memory: Memory, now: datetime) -> tuple[Offer, ...]:
    """Choose the offers whose run starts now, in the order in which they run.

    What our own newest scan finds nothing to do for is never run (G3). The window must fit the sum
    of their run times; of several the earliest deadline goes first. A start by the user ignores
    windows, spread and freezes (S4). A clock that is wrong by more than 12 hours starts nothing
    (S1).
    """
    if not may_run(policy, memory, now) or is_clock_wrong(memory):
        return ()
    due = due_offers(policy, memory, now)
    voluntary = {one.advertisement for one in due if is_voluntary(one, memory, now)}
    return compose(fitting(due, policy, now, voluntary))


def may_run(policy: Policy, memory: Memory, now: datetime) -> bool:
    """Tell whether anything may start here at all (L5)."""
    return policy.enforce and now < policy.expires_at and memory.current is None


def is_clock_wrong(memory: Memory) -> bool:
    """Tell whether this machine's own clock is too wrong to work by (S1)."""
    return abs(memory.ahead) > _WRONG_CLOCK


def due_offers(policy: Policy, memory: Memory, now: datetime) -> list[Offer]:
    """Give the offers that are due, windows apart, in the order in which they run."""
    due = [
        offer
        for offer in (ripe(one, now) for one in policy.offers)
        if has_work(offer, memory) and is_due_now(offer, policy, memory, now)
    ]
    return sorted(due, key=run_order)


def is_voluntary(offer: Offer, memory: Memory, now: datetime) -> bool:
    """Tell whether the user asked to start the offer now."""
    choice = memory.choices.get(offer.advertisement)
    return choice is not None and choice.start_at is not None and choice.start_at <= now


def waits_for_restart(offer: Offer, memory: Memory) -> bool:
    """Tell whether the last attempt said that the machine has to restart before the next one."""
    end = memory.last_end(offer.rollout, offer.release)
    return end is not None and bool(end.boot)


def next_change_at(policy: Policy, memory: Memory, now: datetime) -> Optional[datetime]:
    """Say when something may become due by time alone; nothing where only a policy can do that."""
    moments = [scan_due_at(policy, memory), *(end for _, end in policy.windows.updates)]
    for offer in policy.offers:
        end = memory.last_end(offer.rollout, offer.release)
        choice = memory.choices.get(offer.advertisement, Choice())
        moments += start_changes(offer, policy, end)
        moments += [choice.start_at, reminder_at(offer, memory, now)[1]]
    if memory.restart is not None:
        moments.append(next_decision_at(memory.restart, policy.windows, now))
    return min((moment for moment in moments if moment and moment > now), default=None)


def has_work(offer: Offer, memory: Memory) -> bool:
    """Tell whether the offer has anything to do here: updates that are missing, or to be gone."""
    return bool(updates_to_do(offer, memory))


def is_due_now(offer: Offer, policy: Policy, memory: Memory, now: datetime) -> bool:
    """Tell whether the offer starts by itself or by its user, windows apart."""
    if offer.held or now < offer.available_at or waits_for_restart(offer, memory):
        return False
    if is_voluntary(offer, memory, now):
        return True
    return is_due(offer, policy, memory.last_end(offer.rollout, offer.release), now)


def _first_offset(policy: Policy) -> timedelta:
    position = unit_interval_position(_FIRST_SCAN_DOMAIN + policy.computer)
    span = policy.scan.first_within // timedelta(microseconds=1)
    return timedelta(microseconds=position * span >> 64)


def _retry_after(failures: int, every: timedelta) -> timedelta:
    doubled = _FIRST_RETRY * (1 << min(max(failures - 1, 0), 10))
    return min(doubled, every, _LONGEST_RETRY)
