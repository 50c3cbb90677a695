"""What is due on this computer now: pure decisions over policy, memory and the site's time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Optional

from reconciler.agent.memory import Memory, missing_updates
from reconciler.model.ids import unit_interval_position
from reconciler.model.policy import Offer, Policy, Windows

_FIRST_SCAN_DOMAIN = "patchwright.dev/first-scan/v1\n"
_FIRST_RETRY = timedelta(seconds=30)
_LONGEST_RETRY = timedelta(hours=1)
REFUSAL_RETRY = timedelta(hours=1)
"""How long after a refusal a run is tried again, where its recurrence is longer than that."""


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
    if order.after is not None and (last is None or last.started_at < order.after):
        due = min(due, order.after)
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
        for offer in policy.offers
        if has_missing(offer, missing) and _starts_at(offer, memory, now)
    )
    return _fitting(sorted(startable, key=_order), policy.windows, now)


def next_change_at(policy: Policy, memory: Memory, now: datetime) -> Optional[datetime]:
    """Say when something may become due by time alone; nothing where only a policy can do that."""
    moments = [scan_due_at(policy, memory)]
    for offer in policy.offers:
        end = memory.last_end(offer.rollout, offer.release)
        moments += [offer.available_at, offer.mandatory_at]
        if end is not None:
            moments.append(end.ended_at + _rest(offer, refused=end.refused))
    moments += [begin for begin, _ in policy.windows.updates]
    return min((moment for moment in moments if moment and moment > now), default=None)


def has_missing(offer: Offer, missing: Iterable[str]) -> bool:
    """Tell whether any update of the offer is missing here."""
    return not {update.id for update in offer.updates}.isdisjoint(missing)


def _starts_at(offer: Offer, memory: Memory, now: datetime) -> bool:
    """Tell whether the offer starts by itself, windows apart (S17).

    Without a deadline never; with a user from the deadline on; else as soon as it is available.
    After an attempt it rests for the recurrence (S16).
    """
    if offer.held or offer.mandatory_at is None or now < offer.available_at:
        return False
    if offer.order.user.available and now < offer.mandatory_at:
        return False
    end = memory.last_end(offer.rollout, offer.release)
    return end is None or now >= end.ended_at + _rest(offer, refused=end.refused)


def _fitting(offers: list[Offer], windows: Windows, now: datetime) -> tuple[Offer, ...]:
    if windows.always:
        return tuple(offers)
    rest = max((end - now for begin, end in windows.updates if begin <= now < end), default=None)
    chosen = []
    for offer in offers:
        if offer.order.override_windows:
            chosen.append(offer)
        elif rest is not None and offer.max_runtime <= rest:
            rest -= offer.max_runtime
            chosen.append(offer)
    return tuple(chosen)


def _order(offer: Offer) -> tuple[datetime, str, int]:
    return offer.mandatory_at or offer.available_at, offer.rollout, offer.release


def _rest(offer: Offer, *, refused: bool) -> timedelta:
    return min(offer.recurrence, REFUSAL_RETRY) if refused else offer.recurrence


def _first_offset(policy: Policy) -> timedelta:
    position = unit_interval_position(_FIRST_SCAN_DOMAIN + policy.computer)
    span = policy.scan.first_within // timedelta(microseconds=1)
    return timedelta(microseconds=position * span >> 64)


def _retry_after(failures: int, every: timedelta) -> timedelta:
    doubled = _FIRST_RETRY * (1 << min(max(failures - 1, 0), 10))
    return min(doubled, every, _LONGEST_RETRY)
