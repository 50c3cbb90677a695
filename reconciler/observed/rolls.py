"""Who is in a collection by force, and who was in the last day (S7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pyroaring import BitMap, FrozenBitMap

LOOK_BACK = timedelta(hours=24)
_MOST_FLIPS = 100
_STEP = timedelta(minutes=15)

Flip = tuple[datetime, FrozenBitMap]
"""An instant, and the computers that joined or left at it."""


@dataclass(frozen=True, slots=True)
class CollectionRoll:
    """The membership in force of one collection, by ordinal.

    `digest` is that of its document and of all that it refers to, which took force at
    `revised_at`. `flips`, oldest first, lead back to the membership of a day ago. `held_since`
    is set while a larger change waits.
    """

    collection: str
    digest: str
    revised_at: datetime
    members: FrozenBitMap
    flips: tuple[Flip, ...] = ()
    held_since: datetime | None = None

    def base_at(self, now: datetime) -> datetime:
        """Give the instant against whose membership a change is measured."""
        return max(now - LOOK_BACK, self.revised_at)

    def members_at(self, moment: datetime) -> FrozenBitMap:
        """Give who was in force at an instant of the last day."""
        found = BitMap(self.members)
        for at, flipped in self.flips:
            if at > moment:
                found ^= flipped
        return FrozenBitMap(found)

    def renew(
        self, members: FrozenBitMap, now: datetime, held_since: datetime | None
    ) -> CollectionRoll:
        """Give the roll with the members that are in force from now on."""
        if members == self.members:
            return replace(self, held_since=held_since)
        kept = [flip for flip in self.flips if flip[0] > now - LOOK_BACK]
        flips = _united([*kept, (now, FrozenBitMap(members ^ self.members))], timedelta(0))
        if len(flips) > _MOST_FLIPS:
            flips = _united(flips, _STEP)
        return replace(self, members=members, flips=flips, held_since=held_since)

    def marks(self) -> Iterable[datetime]:
        """Give the instants that it holds."""
        yield self.revised_at
        yield from (moment for moment, _ in self.flips)
        if self.held_since is not None:
            yield self.held_since


def _united(flips: Iterable[Flip], step: timedelta) -> tuple[Flip, ...]:
    """Take flips of the same step as one at the last of them; who went and came back is none.

    Many changes in a day are so remembered to the quarter of an hour.
    """
    found: dict[object, tuple[datetime, BitMap]] = {}
    for moment, flipped in flips:
        key = moment if not step else moment.timestamp() // step.total_seconds()
        _, before = found.get(key, (moment, BitMap()))
        found[key] = (moment, before ^ flipped)
    return tuple((moment, FrozenBitMap(bits)) for moment, bits in found.values() if bits)
