"""The verdict of computers for a release's updates: as set operations, and for one computer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pyroaring import BitMap, FrozenBitMap

from reconciler.model.rollouts import ReleasedUpdate
from reconciler.model.updates import UpdateState
from reconciler.observed.catalog import Catalog
from reconciler.observed.fleet import Fleet

_NOBODY = FrozenBitMap()
_APPLIES = (UpdateState.MISSING, UpdateState.INSTALLED, UpdateState.PENDING_RESTART)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A partition of the computers that were judged."""

    unknown: BitMap
    non_compliant: BitMap
    pending_restart: BitMap
    compliant: BitMap


@dataclass(frozen=True, slots=True)
class Evidence:
    """What judging needs to look at: the fleet, the catalog, and whose scan is recent enough.

    `waived` holds who is let off an update: it counts as not applicable there (S11).
    """

    fleet: Fleet
    catalog: Catalog
    recent: BitMap
    waived: Mapping[str, FrozenBitMap] = field(default_factory=dict)

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
            unreported |= self._in_state(UpdateState.UNKNOWN, update.id) - left_out
            pending |= self._in_state(UpdateState.PENDING_RESTART, update.id) - left_out
        non_compliant = rest & missing
        unknown |= (rest - non_compliant) & unreported
        pending = (rest - non_compliant - unknown) & pending
        return Verdict(unknown, non_compliant, pending, rest - non_compliant - unknown - pending)

    def excused(self, target: BitMap, updates: Sequence[ReleasedUpdate]) -> BitMap:
        """Give the waived computers: let off some, and every other is known not to apply (S11)."""
        waived = [self.waived[update.id] for update in updates if update.id in self.waived]
        let_off = BitMap.union(BitMap(), *waived) & target
        for update in updates if let_off else ():
            let_off -= (let_off - self._inapplicable(update)) - self._waived(update.id)
        return let_off

    def judged(self, updates: Sequence[ReleasedUpdate]) -> BitMap:
        """Give the computers whose scan is recent and knew all the updates.

        Of an update that the catalog lost no scan knows anything (S29).
        """
        entries = self.catalog.entries
        if any(update.id not in entries for update in updates):
            return BitMap()
        required = max((entries[update.id].since for update in updates), default=0)
        return self.recent & self.fleet.scan_version.at_least(required)

    def missing(self, update: str) -> BitMap:
        """Give who misses an update."""
        return self._in_state(UpdateState.MISSING, update)

    def missing_any(self, target: BitMap, updates: Collection[str]) -> tuple[str, ...]:
        """Give the updates that somebody in the target misses."""
        return tuple(sorted(update for update in updates if self.missing(update) & target))

    def _in_state(self, state: UpdateState, update: str) -> BitMap:
        """Give who is in a state; where a superseding update is installed, nobody is (S9)."""
        found = self._bound(state, update)
        for newer in self.catalog.superseders.get(update, ()):
            found = found - self.fleet.in_state(UpdateState.INSTALLED, newer)
        return found

    def _superseded_on(
        self, update: str, updates: Sequence[ReleasedUpdate], *, keep_superseded: bool
    ) -> BitMap:
        """Give where another member of the set that supersedes the update applies (S8)."""
        if keep_superseded:
            return BitMap()
        newer = self.catalog.replacers(update)
        members = (other.id for other in updates if other.id in newer)
        return BitMap.union(
            BitMap(),
            *(self._bound(state, other) for other in members for state in _APPLIES),
        )

    def _inapplicable(self, update: ReleasedUpdate) -> BitMap:
        """Give where the update is known not to apply."""
        found = self.judged([update])
        for state in (*_APPLIES, UpdateState.UNKNOWN):
            found -= self.fleet.in_state(state, update.id)
        return found

    def _bound(self, state: UpdateState, update: str) -> BitMap:
        """Give who is in a state and not let off the update."""
        found = self.fleet.in_state(state, update)
        return found - self.waived[update] if update in self.waived else found

    def _waived(self, update: str) -> FrozenBitMap:
        return self.waived.get(update, _NOBODY)


def needed_updates(
    catalog: Catalog,
    states: Mapping[str, UpdateState],
    listed: frozenset[str],
    *,
    keep_superseded: bool,
    waived: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """Give what one computer misses of a set of updates, as `judge` sees it."""
    due = listed - waived

    def is_needed(update: str) -> bool:
        newer = catalog.superseders.get(update, frozenset())
        replacers = frozenset() if keep_superseded else catalog.replacers(update) & due
        return not (
            any(states.get(other) is UpdateState.INSTALLED for other in newer)
            or any(states.get(other) in _APPLIES for other in replacers)
        )

    missing = (one for one in due if states.get(one) is UpdateState.MISSING)
    return tuple(sorted(filter(is_needed, missing)))
