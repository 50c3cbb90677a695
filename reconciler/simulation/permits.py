"""Permits of a plan's budgets: how many of a domain may be disrupted at once (S19)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from pyroaring import BitMap

from reconciler.observed.columns import NEVER
from reconciler.observed.flags import bits_of_flags
from reconciler.observed.memory import PhaseKey
from reconciler.observed.order import Flags, Ints, Ordinals, array_of, bits_of
from reconciler.planning.guidance import BudgetDomain

_HELD_LONG = 1 << 62


class Permits:
    """Who holds a permit, and until when after a failed run; all others hold it until verified."""

    def __init__(self, size: int) -> None:
        self._until: Ints = np.full(size, NEVER, dtype=np.int64)

    def disrupted(self, now: int) -> BitMap:
        """Give who holds one."""
        return bits_of_flags(self._until > now)

    def grant(
        self, domains: Iterable[BudgetDomain], phase: PhaseKey, asking: Ordinals, now: int
    ) -> Flags:
        """Say who of those asking may start, in the order in which they ask; nothing is kept.

        Never too many: who fails at a later domain has taken room in an earlier one until the
        next tick.
        """
        granted = np.ones(len(asking), dtype=np.bool_)
        disrupted = self.disrupted(now)
        everybody = bits_of(np.sort(asking))
        for domain in domains:
            if domain.phase in {None, phase} and not everybody.isdisjoint(domain.members):
                inside = np.isin(asking, array_of(BitMap(domain.members))) & granted
                free = domain.limit - len(disrupted & domain.members)
                granted[inside & (np.cumsum(inside) > free)] = False
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
