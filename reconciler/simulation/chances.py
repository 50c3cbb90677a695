"""What chances to start computers had, so that it can be said why one missed its deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from pyroaring import BitMap

from reconciler.observed.memory import PhaseKey
from reconciler.observed.order import Flags, Ints, Ordinals, array_of
from reconciler.simulation.offers import Offered, Split


@dataclass(slots=True)
class Chance:
    """By ordinal: who ever had room for the run, who was in contact then, who got no permit."""

    had_room: Flags
    was_there: Flags
    denied: Flags
    was_held: bool = False
    lacked_content: bool = False


class Chances:
    """One record for each offer, until its deadline has passed."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: dict[PhaseKey, Chance] = {}

    def of(self, one: Offered) -> Chance:
        """Give the record of an offer."""
        if one.key not in self._known:
            nobody = np.zeros(self._size, dtype=np.bool_)
            self._known[one.key] = Chance(nobody, nobody.copy(), nobody.copy())
        return self._known[one.key]

    def note(
        self, one: Offered, rest: Ints, heard: BitMap, deadlines: Split, now: datetime
    ) -> None:
        """Look at one tick, for those whose own deadline and spread have not passed."""
        due_at, spread = one.offer.mandatory_at, one.offer.order.spread
        if due_at is None or now < one.offer.available_at:
            return
        over = [who for own, who in deadlines if own + spread < now]
        if due_at + spread < now and len(over) == len(deadlines):
            return
        chance = self.of(one)
        chance.was_held |= one.offer.held or one.program.disabled
        chance.lacked_content = not one.has_content
        room = rest >= one.runtime
        if one.offer.order.override_windows:
            room = np.ones(self._size, dtype=np.bool_)
        if over:
            room = room.copy()
            room[array_of(BitMap.union(BitMap(), *over))] = False
        chance.had_room |= room
        there = array_of(heard)
        chance.was_there[there] |= room[there]

    def deny(self, one: Offered, who: Ordinals) -> None:
        """Note who could have started but for a permit."""
        self.of(one).denied[who] = True
