"""One computer's offers as one run: what yields to what (S12a)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.model.aims import UNINSTALL
from reconciler.model.messages import FactValue
from reconciler.model.policy import Offer, OfferedUpdate
from reconciler.model.versions import compare_dpkg, compare_rpm
from reconciler.planning.collections import RPM_FAMILIES

Pins = Mapping[tuple[str, str], str]


def composed(offers: Sequence[Offer], family: FactValue | None) -> tuple[Offer, ...]:
    """Say of each update which others bring higher versions of all its packages (S12a).

    A run that holds one of those leaves the update out; a run without them installs it. Equal
    updates of several offers need no choice: what the first has installed the next ones skip.
    What is removed has no part in this.
    """
    pins = {
        update.id: _pins(update)
        for offer in offers
        if offer.program != UNINSTALL
        for update in offer.updates
    }
    compare = compare_rpm if family in RPM_FAMILIES else compare_dpkg

    def is_higher(other: Pins, mine: Pins) -> bool:
        if not mine or not mine.keys() <= other.keys():
            return False
        try:
            return all(compare(other[package], version) > 0 for package, version in mine.items())
        except ValueError:  # a version of no known order replaces nothing
            return False

    def with_yields(update: OfferedUpdate) -> OfferedUpdate:
        mine = pins[update.id]
        higher = (one for one, other in pins.items() if is_higher(other, mine))
        return replace(update, yields_to=tuple(sorted(higher)))

    return tuple(
        offer
        if offer.program == UNINSTALL
        else replace(offer, updates=tuple(with_yields(update) for update in offer.updates))
        for offer in offers
    )


def _pins(update: OfferedUpdate) -> Pins:
    return {(name, architecture): version for name, architecture, version in update.packages}
