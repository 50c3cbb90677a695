"""The offers that start now as one run (S12a)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.model.orders import RestartOrder, stricter
from reconciler.model.policy import Offer


def compose(offers: Sequence[Offer]) -> tuple[Offer, ...]:
    """Make one run of the offers, in their order.

    For one package the highest version wins: an update is left out where the run holds one that
    brings higher versions. An emergency's restart rule wins, else the strictest of all.
    """
    held = {update.id for offer in offers for update in offer.updates}
    kept = [_without_lower(offer, held) for offer in offers]
    run = [offer for offer in kept if offer.updates]
    if not run:
        return ()
    restart = _restart(run)
    return tuple(replace(one, order=replace(one.order, restart=restart)) for one in run)


def _without_lower(offer: Offer, held: set[str]) -> Offer:
    updates = tuple(one for one in offer.updates if held.isdisjoint(one.yields_to))
    return replace(offer, updates=updates)


def _restart(run: Sequence[Offer]) -> RestartOrder:
    emergencies = [offer for offer in run if offer.order.emergency]
    first, *others = [offer.order.restart for offer in emergencies or run]
    for other in others:
        first = stricter(first, other)
    return first
