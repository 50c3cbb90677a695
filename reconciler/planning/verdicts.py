"""The verdict of computers for a release's updates (S10), as set operations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from reconciler.model.rollouts import ReleasedUpdate
from reconciler.model.updates import UpdateState
from reconciler.observed.catalog import Catalog
from reconciler.observed.fleet import Fleet

# A newer update of these classes does not make an older one superfluous (S8).
_NEVER_REPLACES = frozenset({"release", "definition"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """A partition of the computers that were judged."""

    unknown: BitMap
    non_compliant: BitMap
    pending_restart: BitMap
    compliant: BitMap


@dataclass(frozen=True, slots=True)
class Evidence:
    """What judging needs to look at: the fleet, the catalog, and whose scan is recent enough."""

    fleet: Fleet
    catalog: Catalog
    recent: BitMap

    def judge(
        self, target: BitMap, updates: Sequence[ReleasedUpdate], *, keep_superseded: bool
    ) -> Verdict:
        """Give each computer the first verdict that fits (S10)."""
        unknown = target - self.judged(updates)
        rest = target - unknown
        missing, unreported, pending = BitMap(), BitMap(), BitMap()
        for update in updates:
            left_out = self._superseded_on(update.id, updates, keep_superseded=keep_superseded)
            missing |= self.missing(update.id) - left_out
            unreported |= self.fleet.in_state(UpdateState.UNKNOWN, update.id) - left_out
            pending |= self.fleet.in_state(UpdateState.PENDING_RESTART, update.id) - left_out
        non_compliant = rest & missing
        unknown |= (rest - non_compliant) & unreported
        pending = (rest - non_compliant - unknown) & pending
        return Verdict(unknown, non_compliant, pending, rest - non_compliant - unknown - pending)

    def judged(self, updates: Sequence[ReleasedUpdate]) -> BitMap:
        """Give the computers whose scan is recent and knew all the updates (S10)."""
        return self.recent & self.fleet.scan_version.at_least(self.required_version(updates))

    def required_version(self, updates: Sequence[ReleasedUpdate]) -> int:
        """Give the lowest content version that has every update in the revision held (S10)."""
        entries = self.catalog.entries
        return max(
            (entries[update.id].since for update in updates if update.id in entries), default=0
        )

    def missing(self, update: str) -> BitMap:
        """Give who misses an update; where a superseding one is installed, nobody does (S9)."""
        found = self.fleet.in_state(UpdateState.MISSING, update)
        for newer in self.catalog.superseders.get(update, ()):
            found = found - self.fleet.in_state(UpdateState.INSTALLED, newer)
        return found

    def missing_any(self, target: BitMap, updates: Collection[str]) -> tuple[str, ...]:
        """Give the updates that somebody in the target misses."""
        return tuple(sorted(update for update in updates if self.missing(update) & target))

    def _superseded_on(
        self, update: str, updates: Sequence[ReleasedUpdate], *, keep_superseded: bool
    ) -> BitMap:
        """Give where another member of the set that supersedes the update applies (S8)."""
        newer = self.catalog.superseders.get(update)
        if keep_superseded or not newer:
            return BitMap()
        return BitMap.union(
            BitMap(),
            *(self._applies(other.id) for other in updates if self._replaces(other.id, newer)),
        )

    def _replaces(self, other: str, newer: Collection[str]) -> bool:
        entry = self.catalog.entries.get(other)
        return (
            other in newer
            and entry is not None
            and entry.update.classification not in _NEVER_REPLACES
        )

    def _applies(self, update: str) -> BitMap:
        return BitMap.union(*(self.fleet.in_state(state, update) for state in self.fleet.states))
