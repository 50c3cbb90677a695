"""Computers by the instant at which something happened to them: one bitmap per instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pyroaring import BitMap, FrozenBitMap

Bits = BitMap | FrozenBitMap


@dataclass(frozen=True, slots=True)
class Cohorts:
    """Disjoint sets of ordinals, each with its instant, oldest first; none is empty."""

    parts: tuple[tuple[datetime, FrozenBitMap], ...] = ()

    @property
    def moments(self) -> tuple[datetime, ...]:
        """The instants, oldest first."""
        return tuple(moment for moment, _ in self.parts)

    @property
    def everybody(self) -> BitMap:
        """Whoever is in one of them."""
        return BitMap.union(BitMap(), *(who for _, who in self.parts))

    def moment_of(self, ordinal: int) -> datetime | None:
        """Give one computer's instant, or nothing where it has none."""
        return next((moment for moment, who in self.parts if ordinal in who), None)

    def where(self, accepts: Callable[[datetime], bool]) -> BitMap:
        """Give the computers whose instant the predicate accepts."""
        return BitMap.union(BitMap(), *(who for moment, who in self.parts if accepts(moment)))

    def within(self, members: Bits) -> Cohorts:
        """Give what is left of them among the members."""
        if all(who.issubset(members) for _, who in self.parts):
            return self
        return _cohorts({moment: BitMap(who & members) for moment, who in self.parts})

    def at(self, moment: datetime, who: Bits) -> Cohorts:
        """Give the computers this instant, in place of what they had."""
        if not who:
            return self
        parts = {known: BitMap(others - who) for known, others in self.parts}
        parts[moment] = parts.get(moment, BitMap()) | who
        return _cohorts(parts)


def _cohorts(parts: dict[datetime, BitMap]) -> Cohorts:
    return Cohorts(
        tuple((moment, FrozenBitMap(who)) for moment, who in sorted(parts.items()) if who)
    )
