"""Permits: how many computers of a domain may be disrupted at once (S19)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from pyroaring import BitMap

from reconciler.desired.state import DesiredState
from reconciler.observed.columns import NEVER
from reconciler.observed.flags import bits_of_flags
from reconciler.observed.fleet import Fleet
from reconciler.observed.order import Flags, Ints, Ordinals, array_of
from reconciler.planning.collections import Collections
from reconciler.simulation.estate import Estate
from reconciler.simulation.offers import Offered

_WHOLE = frozenset({"all", "site"})
_HELD_LONG = 1 << 62


@dataclass(frozen=True, slots=True)
class Bound:
    """So many at once, in each part of a domain."""

    concurrent: int | Fraction
    per: str
    domain: BitMap


class Permits:
    """Who holds a permit, and until when after a failed run; all others hold it until verified."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._until: Ints = np.full(estate.size, NEVER, dtype=np.int64)
        self._parts: dict[str, Ints] = {}

    def disrupted(self, now: int) -> BitMap:
        """Give who holds one."""
        return bits_of_flags(self._until > now)

    def grant(self, bounds: Iterable[Bound], asking: Ordinals, now: int) -> Flags:
        """Say who of those asking gets one, in the order in which they ask; nothing is kept."""
        granted = np.ones(len(asking), dtype=np.bool_)
        for bound in bounds:
            granted[granted] = self._within(bound, asking[granted], now)
        return granted

    def take(self, who: BitMap) -> None:
        """Give permits to computers that start."""
        self._until[array_of(who)] = _HELD_LONG

    def verify(self, who: BitMap) -> None:
        """Take back the permits of those whose scan shows that all went well."""
        self._until[array_of(who)] = NEVER

    def fail(self, who: BitMap, until: int) -> None:
        """Have failed ones keep theirs for a while, so that failures slow a rollout down."""
        self._until[array_of(who)] = until

    def _within(self, bound: Bound, asking: Ordinals, now: int) -> Flags:
        part = self._part_of(bound.per)
        inside = np.isin(asking, array_of(bound.domain))
        granted = ~inside
        sizes = np.bincount(part[array_of(bound.domain)], minlength=int(part.max(initial=0)) + 1)
        busy = array_of(self.disrupted(now) & bound.domain)
        free = _limit(bound.concurrent, sizes) - np.bincount(part[busy], minlength=len(sizes))
        mine = part[asking[inside]]
        granted[inside] = _rank(mine) < free[mine]
        return granted

    def _part_of(self, per: str) -> Ints:
        """Give the part of each computer; those without the fact form one of their own."""
        if per not in self._parts:
            codes = np.zeros(self._estate.size, dtype=np.int64)
            column = None if per in _WHOLE else self._estate.fleet.fact(per)
            if column is not None:
                _, told = column.encoded()
                codes[: len(told)] = told + 1
            self._parts[per] = codes
        return self._parts[per]


def bounds_of(
    desired: DesiredState, fleet: Fleet, collections: Collections, one: Offered
) -> tuple[Bound, ...]:
    """Give all budgets that bind an offer: its rollout's own, and those of collections."""
    found = [
        Bound(spec.concurrent, spec.per, BitMap(collections.members(spec.collection)))
        for name in sorted(desired.disruption_budgets)
        for spec in [desired.disruption_budgets[name].document.spec]
    ]
    placed = desired.rollouts.get(one.offer.rollout)
    own = placed.document.spec.budget if placed is not None else None
    if own is not None:
        found.append(Bound(own.concurrent, own.per, BitMap(one.members & fleet.enrolled)))
    return tuple(found)


def _limit(concurrent: int | Fraction, sizes: Ints) -> Ints:
    """A percentage is of the part, rounded up, and at least one (S19)."""
    if isinstance(concurrent, Fraction):
        top, bottom = concurrent.numerator, concurrent.denominator
        return np.maximum(-(-sizes * top // bottom), 1)
    return np.full(len(sizes), concurrent, dtype=np.int64)


def _rank(parts: Ints) -> Ints:
    """Number the computers within their part, in the order in which they stand."""
    order = np.argsort(parts, kind="stable")
    grouped = parts[order]
    first = np.searchsorted(grouped, grouped, side="left")
    ranks = np.empty(len(parts), dtype=np.int64)
    ranks[order] = np.arange(len(parts)) - first
    return ranks
