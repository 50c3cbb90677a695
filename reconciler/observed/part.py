"""Some computers of a fleet, asked in the same words as the whole."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TypeAlias

from pyroaring import BitMap, FrozenBitMap

from reconciler.model.updates import UpdateState
from reconciler.observed.columns import IntPart
from reconciler.observed.facts import FactPart
from reconciler.observed.fleet import Fleet, in_shards
from reconciler.observed.order import array_of
from reconciler.observed.runs import RunPart


class FleetPart:
    """Answers as if only these computers were there; each column is cut when first asked for."""

    def __init__(self, fleet: Fleet, among: BitMap) -> None:
        self.among = among
        self._fleet = fleet
        self._ordinals = array_of(among)
        self.enrolled = fleet.enrolled & among
        self.enrolled_at = IntPart(fleet.enrolled_at, self._ordinals)
        self.last_contact_at = IntPart(fleet.last_contact_at, self._ordinals)
        self.last_scan_at = IntPart(fleet.last_scan_at, self._ordinals)
        self.scan_version = IntPart(fleet.scan_version, self._ordinals)
        self._shard_position = IntPart(fleet.shard_position, self._ordinals)
        self._told: dict[UpdateState, AbstractSet[str]] = {}
        self._facts: dict[str, FactPart | None] = {}

    def named(self, name: str) -> BitMap:
        """Give those of the enrolled computers of that name."""
        return self._fleet.named(name) & self.among

    def in_shards(self, numbers: range, of: int) -> BitMap:
        """Give those of the computers in shards that follow one another, of so many (S5)."""
        return in_shards(self._shard_position, numbers, of)

    def in_state(self, state: UpdateState, update: str) -> BitMap:
        """Give those who were in that state at the last scan; not applicable is not kept."""
        return self._fleet.in_state(state, update) & self.among

    def cut(self, members: BitMap | FrozenBitMap) -> BitMap | FrozenBitMap:
        """Give those of the members that this is about."""
        return members & self.among

    def told(self, state: UpdateState) -> AbstractSet[str]:
        """Give the updates that some of the computers are in that state of.

        Few computers are in few sets: those are found once for all who ask.
        """
        if state not in self._told:
            states = self._fleet.states[state].items()
            met = {update for update, bits in states if bits.intersect(self.among)}
            self._told[state] = met
        return self._told[state]

    def fact(self, name: str) -> FactPart | None:
        """Give the fact of these computers; nothing where no computer ever told it."""
        if name not in self._facts:
            column = self._fleet.fact(name)
            self._facts[name] = None if column is None else FactPart(column, self._ordinals)
        return self._facts[name]

    def runs_of(self, release: str) -> RunPart:
        """Give the runs of a release, named `rollout/number`, on these computers."""
        return RunPart(self._fleet.runs_of(release), self.among)


AnyFleet: TypeAlias = Fleet | FleetPart
"""A whole fleet or a part of it: what a function asks of computers one by one, both answer."""
