"""What is due on this computer now: pure decisions over policy, memory and the site's time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Optional

from reconciler.agent.memory import Choice, Memory, missing_updates
from reconciler.agent.reminders import reminder_at
from reconciler.agent.restarts import next_decision_at
from reconciler.model.ids import unit_interval_position
from reconciler.model.policy import Offer, Policy

_FIRST_SCAN_DOMAIN = "patchwright.dev/first-scan/v1\n"
_SPREAD_DOMAIN = "patchwright.dev/spread/v1\n"
_WRONG_CLOCK = timedelta(hours=12)
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
    of their run times; of several the earliest deadline goes first. A start by the user ignores
    windows, and so does an emergency that may (S4). A clock that is wrong by more than 12 hours
    starts nothing (S1).
    """
    if not may_start(policy, memory, now) or is_clock_wrong(memory):
        return ()
    return _fitting(due_offers(policy, memory, now), policy, memory, now)


def may_start(policy: Policy, memory: Memory, now: datetime) -> bool:
    """Tell whether anything may start here at all (L5)."""
    return policy.enforce and now < policy.expires_at and memory.current is None


def is_clock_wrong(memory: Memory) -> bool:
    """Tell whether this machine's own clock is too wrong to work by (S1)."""
    return abs(memory.ahead) > _WRONG_CLOCK


def due_offers(policy: Policy, memory: Memory, now: datetime) -> list[Offer]:
    """Give the offers that are due, windows apart, in the order in which they run."""
    missing = missing_updates(memory)
    due = [
        offer
        for offer in policy.offers
        if has_missing(offer, missing) and _is_due(offer, policy, memory, now)
    ]
    return sorted(due, key=_order)


def is_voluntary(offer: Offer, memory: Memory, now: datetime) -> bool:
    """Tell whether the user asked to start the offer now."""
    choice = memory.choices.get(offer.advertisement)
    return choice is not None and choice.start_at is not None and choice.start_at <= now


def next_change_at(policy: Policy, memory: Memory, now: datetime) -> Optional[datetime]:
    """Say when something may become due by time alone; nothing where only a policy can do that."""
    moments = [scan_due_at(policy, memory)]
    begins = [begin for begin, _ in policy.windows.updates]
    moments += [*begins, *(end for _, end in policy.windows.updates)]
    for offer in policy.offers:
        offset = spread_offset(offer, policy)
        choice = memory.choices.get(offer.advertisement, Choice())
        moments += [offer.available_at, offer.mandatory_at, choice.start_at]
        moments += [due_at(offer, policy, memory), reminder_at(offer, memory, now)[1]]
        moments += [begin + offset for begin in begins if offset]
    if memory.restart is not None:
        moments.append(next_decision_at(memory.restart, policy.windows, now))
    return min((moment for moment in moments if moment and moment > now), default=None)


def has_missing(offer: Offer, missing: Iterable[str]) -> bool:
    """Tell whether any update of the offer is missing here."""
    return not {update.id for update in offer.updates}.isdisjoint(missing)


def due_at(offer: Offer, policy: Policy, memory: Memory) -> Optional[datetime]:
    """Say when the offer starts by itself, windows apart (S17); nothing where it never does.

    Without a deadline never; with a user from the deadline on; else as soon as it is available;
    each later by this computer's share of the spread, which begins anew when a hold has ended.
    After an attempt it rests for the recurrence (S16).
    """
    if offer.mandatory_at is None:
        return None
    begin = offer.mandatory_at if offer.order.user.available else offer.available_at
    offset = spread_offset(offer, policy)
    released_at = memory.released.get(offer.advertisement)
    due = begin + offset
    if released_at is not None and due <= released_at:
        due = released_at + offset
    end = memory.last_end(offer.rollout, offer.release)
    return due if end is None else max(due, end.ended_at + _rest(offer, refused=end.refused))


def spread_offset(offer: Offer, policy: Policy) -> timedelta:
    """Give this computer's share of the offer's spread (S17)."""
    words = (offer.rollout, offer.phase, policy.computer)
    return _share(_SPREAD_DOMAIN + "\n".join(words), offer.order.spread)


def fits_window(offer: Offer, policy: Policy, memory: Memory, now: datetime) -> bool:
    """Tell whether a window is open, and has been for this computer's share of the spread.

    The share counts from the window's begin only where the offer waited for it, and where the
    program still fits afterwards (S17).
    """
    if policy.windows.always:
        return True
    due, offset = due_at(offer, policy, memory), spread_offset(offer, policy)
    for begin, end in policy.windows.updates:
        waited = due is None or due <= begin
        first = begin + offset if waited and begin + offset + offer.max_runtime <= end else begin
        if first <= now < end:
            return True
    return False


def window_rest(policy: Policy, now: datetime) -> Optional[timedelta]:
    """Say how long the longest open window for updates stays open; nothing where none is."""
    if policy.windows.always:
        return timedelta.max
    rests = (end - now for begin, end in policy.windows.updates if begin <= now < end)
    return max(rests, default=None)


def _is_due(offer: Offer, policy: Policy, memory: Memory, now: datetime) -> bool:
    if offer.held or now < offer.available_at:
        return False
    if is_voluntary(offer, memory, now):
        return True
    due = due_at(offer, policy, memory)
    return due is not None and now >= due


def _fitting(
    offers: list[Offer], policy: Policy, memory: Memory, now: datetime
) -> tuple[Offer, ...]:
    rest = window_rest(policy, now)
    chosen = []
    for offer in offers:
        if is_voluntary(offer, memory, now) or offer.order.override_windows:
            chosen.append(offer)
        elif rest is None or offer.max_runtime > rest:
            continue
        elif fits_window(offer, policy, memory, now):
            rest -= min(rest, offer.max_runtime)
            chosen.append(offer)
    return tuple(chosen)


def _order(offer: Offer) -> tuple[datetime, str, int]:
    return offer.mandatory_at or offer.available_at, offer.rollout, offer.release


def _rest(offer: Offer, *, refused: bool) -> timedelta:
    return min(offer.recurrence, REFUSAL_RETRY) if refused else offer.recurrence


def _first_offset(policy: Policy) -> timedelta:
    return _share(_FIRST_SCAN_DOMAIN + policy.computer, policy.scan.first_within)


def _share(domain: str, span: timedelta) -> timedelta:
    whole = span // timedelta(microseconds=1)
    return timedelta(microseconds=unit_interval_position(domain) * whole >> 64)


def _retry_after(failures: int, every: timedelta) -> timedelta:
    doubled = _FIRST_RETRY * (1 << min(max(failures - 1, 0), 10))
    return min(doubled, every, _LONGEST_RETRY)
