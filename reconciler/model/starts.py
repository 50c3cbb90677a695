"""When offers may start by themselves: spread, ended holds, windows, freezes (S4, S13a, S17).

Agents decide by this, and the site explains by it why nothing starts.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Optional, Protocol

from reconciler.model.ids import spread_offset
from reconciler.model.policy import Offer, OfferedUpdate, Policy, Windows
from reconciler.model.times import later

REFUSAL_RETRY = timedelta(hours=1)
"""How long after a refusal a run is tried again, where its recurrence is longer than that."""


class Attempt(Protocol):
    """The last attempt at a release: when it ended, or was refused before it changed anything."""

    @property
    def ended_at(self) -> datetime:
        """When it ended."""

    @property
    def refused(self) -> bool:
        """Whether nothing was changed."""


def offset_of(offer: Offer, policy: Policy) -> timedelta:
    """Give this computer's share of the offer's spread."""
    return spread_offset(offer.rollout, offer.phase, policy.computer, offer.order.spread)


def windows_of(offer: Offer, policy: Policy) -> Windows:
    """Give the windows that bind the offer; emergencies pass some freezes."""
    if offer.order.emergency and policy.emergency_windows is not None:
        return policy.emergency_windows
    return policy.windows


def due_at(offer: Offer, policy: Policy, end: Optional[Attempt]) -> Optional[datetime]:
    """Say when it starts by itself, windows apart; nothing where it is only offered (S17).

    With a user from the deadline on, else from when it is available, each later by the share of
    the spread, which counts from the end of a hold for what came due meanwhile. After an attempt
    it rests for the recurrence, unless it is ordered to run once more (S16).
    """
    if offer.mandatory_at is None:
        return None
    offset = offset_of(offer, policy)
    due = (offer.mandatory_at if offer.order.user.available else offer.available_at) + offset
    if offer.released_at is not None and due < offer.released_at:
        due = offer.released_at + offset
    if end is None:
        return due
    again = end.ended_at + _rest(offer, end)
    if offer.rerun_at is not None and end.ended_at < offer.rerun_at:
        again = min(again, offer.rerun_at + offset)
    return later(due, again)


def is_due(offer: Offer, policy: Policy, end: Optional[Attempt], now: datetime) -> bool:
    """Tell whether the offer starts by itself, windows apart."""
    if offer.held or now < offer.available_at:
        return False
    due = due_at(offer, policy, end)
    return due is not None and due <= now


def run_order(offer: Offer) -> tuple[datetime, str, int]:
    """Give what programs of one run are sorted by: the earliest deadline goes first."""
    return offer.mandatory_at or offer.available_at, offer.rollout, offer.release


def fitting(
    offers: Iterable[Offer], policy: Policy, now: datetime, voluntary: Container[str] = ()
) -> list[Offer]:
    """Choose the due offers that may start now as one run, in the order in which they run.

    The window must fit the sum of their run times; the earliest deadline goes first. A start by
    the user ignores windows, spread and freezes: `voluntary` names such advertisements.
    """
    before = timedelta(0)
    chosen: list[Offer] = []
    for offer in sorted(offers, key=run_order):
        if offer.advertisement in voluntary or may_start(offer, policy, before, now):
            before += offer.max_runtime
            chosen.append(offer)
    return chosen


def ripe(offer: Offer, now: datetime) -> Offer:
    """Give the offer without the updates that are left out of runs for now (S11)."""
    return replace(offer, updates=tuple(one for one in offer.updates if _is_ripe(one, now)))


def may_start(offer: Offer, policy: Policy, before: timedelta, now: datetime) -> bool:
    """Tell whether it may start now in a run whose other programs take so long before it.

    The rest of the window has to hold all of them. An emergency that overrides windows needs
    none, but waits for the end of freezes like any start.
    """
    windows, offset = windows_of(offer, policy), offset_of(offer, policy)
    if offer.order.override_windows:
        return all(not begin <= now < end + offset for begin, end in windows.frozen)
    if windows.always:
        return True
    return any(
        _first_start(opening, offer, offset) <= now
        and now + before + offer.max_runtime <= opening[1]
        for opening in windows.updates
    )


def start_changes(
    offer: Offer, policy: Policy, end: Optional[Attempt]
) -> Iterator[Optional[datetime]]:
    """Give the instants at which it may begin to be able to start."""
    windows, offset = windows_of(offer, policy), offset_of(offer, policy)
    yield offer.available_at
    yield offer.mandatory_at
    yield due_at(offer, policy, end)
    yield from (update.not_before for update in offer.updates)
    for begin, _ in windows.updates:
        yield from (begin, begin + offset)
    yield from (frozen_until + offset for _, frozen_until in windows.frozen)


def _first_start(opening: tuple[datetime, datetime], offer: Offer, offset: timedelta) -> datetime:
    """Spread starts from the window's begin too, where the program still fits afterwards."""
    begin, end = opening
    spread = begin + offset
    return spread if spread + offer.max_runtime <= end else begin


def _is_ripe(update: OfferedUpdate, now: datetime) -> bool:
    return update.not_before is None or update.not_before <= now


def _rest(offer: Offer, end: Attempt) -> timedelta:
    return min(offer.recurrence, REFUSAL_RETRY) if end.refused else offer.recurrence
