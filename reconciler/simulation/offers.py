"""The advertisements of a memory with what each computer needs to know of them (S16, S17)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from pyroaring import BitMap, FrozenBitMap

from reconciler.model.ids import unit_interval_position
from reconciler.model.objects import Advertisement, ContentState, Program
from reconciler.observed.columns import NEVER, micros
from reconciler.observed.memory import Membership, Memory, PhaseKey
from reconciler.observed.order import Ints, Ordinals, array_of, bits_of
from reconciler.planning.own_deadlines import Terms, Zoned, own_deadlines
from reconciler.planning.policy import is_urgent
from reconciler.simulation.estate import Estate

_SPREAD_DOMAIN = "patchwright.dev/spread/v1\n"
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Offered:
    """One advertisement that installs something, with its target."""

    offer: Advertisement
    program: Program
    membership: Membership
    has_content: bool
    release: str
    """The name of its release among runs."""

    @property
    def key(self) -> PhaseKey:
        """Its rollout, release and phase."""
        return self.offer.rollout, self.offer.release, self.offer.phase

    @property
    def members(self) -> FrozenBitMap:
        """Whom it targets."""
        return self.membership.members

    @property
    def may_start(self) -> bool:
        """Whether anything at the site keeps it from starting (S18)."""
        return self.has_content and not (self.offer.held or self.program.disabled)

    @property
    def runtime(self) -> int:
        """The longest that a run may take, in microseconds."""
        return int(self.program.max_runtime.total_seconds()) * MICROSECONDS

    def deadlines(self, ordinals: Ordinals, zoned: Zoned, now: datetime) -> Ints:
        """Give each computer's own deadline, as a plan gives it (S17).

        `NEVER` where the program is only offered.
        """
        offer = self.offer
        found = np.full(len(ordinals), NEVER, dtype=np.int64)
        if offer.mandatory_at is None:
            return found
        terms = Terms(offer.mandatory_at, offer.mandatory_local, offer.available_at, offer.grace)
        for due_at, who in own_deadlines(terms, self.membership, bits_of(ordinals), zoned, now):
            found[np.isin(ordinals, array_of(who))] = micros(due_at)
        return found


Split = tuple[tuple[datetime, BitMap], ...]


class Deadlines:
    """The own deadlines of an offer's targets (S17), split anew only where its target changes.

    Who has made no contact is in none of the parts: for them it does not run yet.
    """

    def __init__(self) -> None:
        self._known: dict[PhaseKey, tuple[Membership, Split]] = {}

    def of(self, one: Offered, zoned: Zoned, now: datetime) -> Split:
        """Split those in contact by their deadlines; nothing where there is none."""
        known = self._known.get(one.key)
        if known is not None and known[0] is one.membership:
            return known[1]
        offer, membership = one.offer, one.membership
        if offer.mandatory_at is None:
            return ()
        terms = Terms(offer.mandatory_at, offer.mandatory_local, offer.available_at, offer.grace)
        who = membership.members - (membership.awaited or FrozenBitMap())
        split = own_deadlines(terms, membership, who, zoned, now)
        made = tuple((due_at, some) for due_at, some in split if some)
        self._known[one.key] = membership, made
        return made


def offered(memory: Memory) -> tuple[Offered, ...]:
    """Give what installs something: emergencies first, then by deadline and name."""
    return tuple(sorted(_offered(memory), key=_order))


def _offered(memory: Memory) -> Iterator[Offered]:
    done = {key[:2] for key, one in memory.assignments.items() if one.state is ContentState.DONE}
    for offer in memory.advertisements.values():
        membership = memory.memberships.get((offer.rollout, offer.release, offer.phase))
        if membership is not None and offer.updates:
            program = memory.programs[offer.package, offer.version, offer.program]
            has_content = (offer.package, offer.version) in done
            release = memory.run_key(offer.rollout, offer.release)
            yield Offered(offer, program, membership, has_content, release)


def _order(one: Offered) -> tuple[bool, int, str, int, str]:
    offer = one.offer
    due = micros(offer.mandatory_at or offer.available_at)
    return not is_urgent(offer), due, offer.rollout, offer.release, offer.phase


class Spreads:
    """Each computer's own share of a phase's spread, hashed once a phase (S17)."""

    def __init__(self, estate: Estate) -> None:
        self._ids = estate.fleet.ids
        self._size = estate.size
        self._known: dict[tuple[str, str, int], Ints] = {}

    def offsets(self, one: Offered) -> Ints | None:
        """Give the microseconds by ordinal; nothing where starts are not spread."""
        offer = one.offer
        span = int(offer.order.spread.total_seconds()) * MICROSECONDS
        if not span:
            return None
        key = (offer.rollout, offer.phase, span)
        if key not in self._known:
            domain = f"{_SPREAD_DOMAIN}{offer.rollout}\n{offer.phase}\n"
            made = np.zeros(self._size, dtype=np.int64)
            for ordinal, identity in self._ids.items():
                made[ordinal] = unit_interval_position(domain + identity) * span >> 64
            self._known[key] = made
        return self._known[key]
