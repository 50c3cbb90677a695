"""What is due on this computer now: pure decisions over policy, memory and the site's time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Optional

from reconciler.agent.composition import compose
from reconciler.agent.memory import Memory, missing_updates
from reconciler.agent.starts import due_at, may_start, ripe, start_changes
from reconciler.model.ids import unit_interval_position
from reconciler.model.policy import Offer, Policy

_FIRST_SCAN_DOMAIN = "patchwright.dev/first-scan/v1\n"
_FIRST_RETRY = timedelta(seconds=30)
_LONGEST_RETRY = timedelta(hours=1)


def scan_due_at(policy: Policy, memory: Memory) -> Optional[datetime]:
    """Say when the next scan starts; nothing where the site has no catalog for us."""
    order, last = policy.scan, memory.last_scan
    if order.catalog is None:
        return None
    if last is None:
        due = (memory.first_policy_at or policy.issued_at) + _first_offset(policy)
    elif order.content_version > last.content_version:
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

    What our own newest scan does not find missing is never run (G3). The window must fit the sum
    of their run times; of several the earliest deadline goes first.
    """
    if not policy.enforce or now >= policy.expires_at or memory.current is not None:
        return ()
    missing = missing_updates(memory)
    startable = (
        offer
        for offer in (ripe(one, now) for one in policy.offers)
        if has_missing(offer, missing) and _is_due(offer, policy, memory, now)
    )
    return compose(_fitting(sorted(startable, key=_order), policy, now))


def next_change_at(policy: Policy, memory: Memory, now: datetime) -> Optional[datetime]:
    """Say when something may become due by time alone; nothing where only a policy can do that."""
    moments = [scan_due_at(policy, memory)]
    for offer in policy.offers:
        end = memory.last_end(offer.rollout, offer.release)
        moments += start_changes(offer, policy, end)
    return min((moment for moment in moments if moment and moment > now), default=None)


def has_missing(offer: Offer, missing: Iterable[str]) -> bool:
    """Tell whether any update of the offer is missing here."""
    return not {update.id for update in offer.updates}.isdisjoint(missing)


def _is_due(offer: Offer, policy: Policy, memory: Memory, now: datetime) -> bool:
    """Tell whether the offer starts by itself, windows apart."""
    if offer.held or now < offer.available_at:
        return False
    due = due_at(offer, policy, memory.last_end(offer.rollout, offer.release))
    return due is not None and due <= now


def _fitting(offers: list[Offer], policy: Policy, now: datetime) -> list[Offer]:
    before = timedelta(0)
    chosen: list[Offer] = []
    for offer in offers:
        if may_start(offer, policy, before, now):
            before += offer.max_runtime
            chosen.append(offer)
    return chosen


def _order(offer: Offer) -> tuple[datetime, str, int]:
    return offer.mandatory_at or offer.available_at, offer.rollout, offer.release


def _first_offset(policy: Policy) -> timedelta:
    position = unit_interval_position(_FIRST_SCAN_DOMAIN + policy.computer)
    span = policy.scan.first_within // timedelta(microseconds=1)
    return timedelta(microseconds=position * span >> 64)


def _retry_after(failures: int, every: timedelta) -> timedelta:
    doubled = _FIRST_RETRY * (1 << min(max(failures - 1, 0), 10))
    return min(doubled, every, _LONGEST_RETRY)
