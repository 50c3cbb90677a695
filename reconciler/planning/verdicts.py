"""The verdict of computers for a release's updates: as set operations, and for one computer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pyroaring import BitMap, FrozenBitMap

from reconciler.model.rollouts import ReleasedUpdate
from reconciler.model.updates import UpdateState
from reconciler.observed.catalog import Catalog
from reconciler.observed.memo import Memo, Sets
from reconciler.observed.part import AnyFleet

_SAYS_SOMETHING = (UpdateState.MISSING, UpdateState.UNKNOWN, UpdateState.PENDING_RESTART)
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
    """What judging needs to look at: the catalog, whose scan is recent enough, and the fleet."""

    catalog: Catalog
    recent: FrozenBitMap
    memo: Memo

    def judge(
        self, target: BitMap, updates: Sequence[ReleasedUpdate], *, keep_superseded: bool
    ) -> Verdict:
        """Give each computer the first verdict that fits (S10)."""
        verdict = self._verdicts(updates, keep_superseded=keep_superseded)
        missing = target & verdict["missing"]
        pending = target & verdict["pending"]
        compliant = target & verdict["compliant"]
        return Verdict(target - missing - pending - compliant, missing, pending, compliant)

    def judged(self, updates: Sequence[ReleasedUpdate]) -> FrozenBitMap:
        """Give the computers whose scan is recent and knew all the updates.

        Of an update that the catalog lost no scan knows anything (S29).
        """
        entries = self.catalog.entries
        if any(update.id not in entries for update in updates):
            return FrozenBitMap()
        required = max((entries[update.id].since for update in updates), default=0)
        return self.memo.members(
            ("knew", required),
            (),
            lambda fleet: self.recent & fleet.scan_version.at_least(required),
        )

    def _verdicts(self, updates: Sequence[ReleasedUpdate], *, keep_superseded: bool) -> Sets[str]:
        """Judge the whole fleet, once for all phases of a release; who is in no set is unknown."""
        ids = tuple(update.id for update in updates)
        judged = self.judged(updates)

        def verdicts(fleet: AnyFleet) -> dict[str, BitMap]:
            said = {
                state: self._said(state, ids, fleet, keep_superseded=keep_superseded)
                for state in _SAYS_SOMETHING
            }
            rest = fleet.enrolled & judged
            missing = rest & said[UpdateState.MISSING]
            rest = rest - missing - said[UpdateState.UNKNOWN]
            pending = rest & said[UpdateState.PENDING_RESTART]
            return {"missing": missing, "pending": pending, "compliant": rest - pending}

        return self.memo.sets(("verdicts", ids, keep_superseded), (), verdicts)

    def _said(
        self, state: UpdateState, ids: Sequence[str], fleet: AnyFleet, *, keep_superseded: bool
    ) -> BitMap:
        """Give who is in the state for some update that no other makes superfluous there (S8)."""
        among = frozenset(ids)
        found = []
        for update in ids:
            bits = self._in_state(state, update, fleet)
            newer = frozenset() if keep_superseded else self.catalog.replacers(update) & among
            applying = (fleet.in_state(one, other) for other in newer for one in _APPLIES)
            found.append(bits - BitMap.union(*applying) if newer else bits)
        return BitMap.union(BitMap(), *found)

    def missing(self, update: str) -> BitMap:
        """Give who misses an update."""
        return self._in_state(UpdateState.MISSING, update, self.memo.fleet)

    def missing_any(self, target: BitMap, updates: Collection[str]) -> tuple[str, ...]:
        """Give the updates that somebody in the target misses."""
        return tuple(sorted(update for update in updates if self.missing(update) & target))

    def _in_state(self, state: UpdateState, update: str, fleet: AnyFleet) -> BitMap:
        """Give who is in a state; where a superseding update is installed, nobody is (S9)."""
        found = fleet.in_state(state, update)
        for newer in self.catalog.superseders.get(update, ()):
            found = found - fleet.in_state(UpdateState.INSTALLED, newer)
        return found


def needed_updates(
    catalog: Catalog,
    states: Mapping[str, UpdateState],
    listed: frozenset[str],
    *,
    keep_superseded: bool,
) -> tuple[str, ...]:
    """Give what one computer misses of a set of updates, as `judge` sees it."""

    def is_needed(update: str) -> bool:
        newer = catalog.superseders.get(update, frozenset())
        replacers = frozenset() if keep_superseded else catalog.replacers(update) & listed
        return not (
            any(states.get(other) is UpdateState.INSTALLED for other in newer)
            or any(states.get(other) in _APPLIES for other in replacers)
        )

    missing = (one for one in listed if states.get(one) is UpdateState.MISSING)
    return tuple(sorted(filter(is_needed, missing)))
