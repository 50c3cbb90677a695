"""The verdict of computers for a release's updates: as set operations, and for one computer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pyroaring import BitMap, FrozenBitMap

from reconciler.model.aims import Aim
from reconciler.model.rollouts import Release, ReleasedUpdate
from reconciler.model.updates import UpdateState
from reconciler.observed.catalog import Catalog
from reconciler.observed.fleet import KEPT_STATES
from reconciler.observed.memo import Bits, Identity, Memo, Sets
from reconciler.observed.part import AnyFleet

_NOBODY = FrozenBitMap()
_APPLIES = (UpdateState.MISSING, UpdateState.INSTALLED, UpdateState.PENDING_RESTART)
_TO_DO = {
    Aim.INSTALL: (UpdateState.MISSING,),
    Aim.INSTALL_SUPERSEDED_TOO: (UpdateState.MISSING,),
    Aim.REMOVE: (UpdateState.INSTALLED, UpdateState.PENDING_RESTART),
}


@dataclass(frozen=True)
class Verdict:
    """A partition of the computers that were judged."""

    unknown: Bits
    non_compliant: Bits
    pending_restart: Bits
    compliant: Bits


@dataclass(frozen=True, slots=True)
class Evidence:
    """What judging needs to look at: the fleet, the catalog, and whose scan is recent enough.

    `waived` holds who is let off an update: it counts as not applicable there (S11). `custom`
    holds whom an update of one's own is for: who has not said how it stands there is unknown.
    """

    catalog: Catalog
    recent: FrozenBitMap
    memo: Memo
    waived: Mapping[str, FrozenBitMap] = field(default_factory=dict)
    custom: Mapping[str, FrozenBitMap] = field(default_factory=dict)

    def judge(self, target: Bits, release: Release, aim: Aim) -> Verdict:
        """Give each computer the first verdict that fits (S10).

        To a removal (I4) an update that is there is what a missing one is to an installation,
        whatever supersedes it; nobody waits for a restart then.
        """
        verdict = self._verdicts(release, aim)
        missing = target & verdict["missing"]
        pending = target & verdict["pending"]
        compliant = target & verdict["compliant"]
        return Verdict(target - missing - pending - compliant, missing, pending, compliant)

    def judge_phase(
        self,
        place: tuple[str, int, str],
        target: FrozenBitMap,
        release: Release,
        aim: Aim,
    ) -> tuple[Verdict, FrozenBitMap]:
        """Give the verdicts of a phase, known by its place, and who is waived in it."""

        def judge(fleet: AnyFleet) -> dict[str, Bits]:
            inside = fleet.cut(target)
            verdict = self.judge(inside, release, aim)
            return {**vars(verdict), "waived": self.excused(inside, release, fleet)}

        among = (target, *self.looked_up(release.ids))
        inputs = (release.ids, self.required(release), aim)
        found = dict(self.memo.sets(("pending", *place), inputs, judge, *among, within=True))
        waived = found.pop("waived")
        return Verdict(**found), waived

    def excused(self, target: Bits, release: Release, fleet: AnyFleet) -> Bits:
        """Give the waived computers: let off some, and every other is known not to apply (S11)."""
        waived = [self.waived[update] for update in release.ids if update in self.waived]
        let_off = BitMap.union(BitMap(), *waived) & target
        for update in release.offered() if let_off else ():
            let_off -= (let_off - self._inapplicable(update, fleet)) - self._waived(update.id)
        return let_off

    def looked_up(self, updates: Sequence[str]) -> tuple[FrozenBitMap, ...]:
        """Give the sets beside the fleet in which a verdict for these updates looks."""
        return (self.recent, *self._beside(updates))

    def required(self, release: Release) -> int | None:
        """Give the content version that a scan has to know to be believed of a release (S10).

        The lowest that holds each update in the revision that the release holds. Nothing where
        the catalog lost an update: of that no scan knows anything (S29).
        """
        held = release.offered()
        key = ("required", release.rollout, release.number)
        return self.memo.value(key, Identity(held), lambda: self._required(held))

    def _required(self, held: Sequence[ReleasedUpdate]) -> int | None:
        entries = self.catalog.entries
        if not all(update.id in entries for update in held):
            return None
        return max((entries[update.id].entered(update.revision) for update in held), default=0)

    def judged(self, required: int | None) -> FrozenBitMap:
        """Give the computers whose scan is recent and knew the content version."""
        if required is None:
            return _NOBODY
        return self.memo.sets(
            ("knew", required),
            (),
            lambda fleet: {"knew": self.recent & fleet.scan_version.at_least(required)},
            self.recent,
        )["knew"]

    def _verdicts(self, release: Release, aim: Aim) -> Sets[str]:
        """Judge the whole fleet, once for all phases of a release; who is in no set is unknown."""
        judged, said = self.judged(self.required(release)), self._all_said(release.ids, aim)

        def verdicts(fleet: AnyFleet) -> dict[str, BitMap]:
            rest = fleet.enrolled & judged
            missing = rest & said["to do"]
            rest = rest - missing - said["unknown"]
            pending = rest & said["pending"]
            return {"missing": missing, "pending": pending, "compliant": rest - pending}

        key = ("verdicts", Identity(release.ids), aim)
        return self.memo.sets(key, (), verdicts, judged, *said.values())

    def _all_said(self, updates: tuple[str, ...], aim: Aim) -> Sets[str]:
        """Give what the last scans said, however long ago: no time alone changes that."""

        def said(fleet: AnyFleet) -> dict[str, BitMap]:
            listed = frozenset(updates)
            to_do = (self._said(state, listed, fleet, aim) for state in _TO_DO[aim])
            return {
                "to do": BitMap.union(BitMap(), *to_do),
                "unknown": BitMap.union(
                    self._said(UpdateState.UNKNOWN, listed, fleet, aim),
                    *(self._silent(one, fleet) for one in self.custom.keys() & listed),
                ),
                "pending": self._said(UpdateState.PENDING_RESTART, listed, fleet, aim),
            }

        key = ("said", Identity(updates), aim)
        return self.memo.sets(key, (), said, *self._beside(updates))

    def _said(
        self, state: UpdateState, listed: frozenset[str], fleet: AnyFleet, aim: Aim
    ) -> BitMap:
        """Give who is in the state for some update that no other makes superfluous there (S8)."""
        told = fleet.told(state) & listed
        superseded = told & self.catalog.superseders.keys()
        found = [self._bound(state, update, fleet) for update in told - superseded]
        for update in superseded:
            bits = self._in_state(state, update, fleet, aim)
            if aim is Aim.INSTALL:
                newer = self.catalog.replacers(update) & listed
                applying = (self._bound(one, other, fleet) for other in newer for one in _APPLIES)
                bits = bits - BitMap.union(BitMap(), *applying)
            found.append(bits)
        return BitMap.union(BitMap(), *found)

    def left_to_do(self, target: Bits, updates: Collection[str], aim: Aim) -> tuple[str, ...]:
        """Give the updates that somebody in the target misses, or has still to be rid of."""

        def is_left(update: str) -> bool:
            fleet = self.memo.fleet
            return any(self._in_state(state, update, fleet, aim) & target for state in _TO_DO[aim])

        return tuple(sorted(filter(is_left, updates)))

    def _in_state(self, state: UpdateState, update: str, fleet: AnyFleet, aim: Aim) -> BitMap:
        """Give who is in a state; where a superseding update is installed, nobody is (S9)."""
        found = self._bound(state, update, fleet)
        for newer in self.catalog.superseders.get(update, ()) if aim is not Aim.REMOVE else ():
            found = found - fleet.in_state(UpdateState.INSTALLED, newer)
        return found

    def _inapplicable(self, update: ReleasedUpdate, fleet: AnyFleet) -> Bits:
        """Give where the update is known not to apply."""
        judged = self.judged(self._required((update,)))
        found = fleet.cut(judged) - self._silent(update.id, fleet)
        for state in (*_APPLIES, UpdateState.UNKNOWN):
            found = found - fleet.in_state(state, update.id)
        return found

    def _bound(self, state: UpdateState, update: str, fleet: AnyFleet) -> BitMap:
        """Give who is in a state and not let off the update."""
        found = fleet.in_state(state, update)
        return found - self.waived[update] if update in self.waived else found

    def _waived(self, update: str) -> FrozenBitMap:
        return self.waived.get(update, _NOBODY)

    def _silent(self, update: str, fleet: AnyFleet) -> Bits:
        """Give whom an update of one's own is for and who said nothing of it: they did not look."""
        found: Bits = fleet.cut(self.custom.get(update, _NOBODY)) - self._waived(update)
        for state in KEPT_STATES:
            found = found - fleet.in_state(state, update)
        return found

    def _beside(self, updates: Sequence[str]) -> tuple[FrozenBitMap, ...]:
        """Give who is let off each update, and whom each of one's own is for, in a fixed order."""
        among = (self.waived, self.custom)
        return tuple(sets[one] for sets in among if sets for one in sorted(sets.keys() & updates))


def needed_updates(
    catalog: Catalog,
    states: Mapping[str, UpdateState],
    listed: frozenset[str],
    aim: Aim,
    *,
    waived: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """Give what one computer misses, or has to be rid of, as `judge` sees it."""
    due = listed - waived
    left = sorted(one for one in due if states.get(one) in _TO_DO[aim])
    if aim is Aim.REMOVE:
        return tuple(left)

    def is_needed(update: str) -> bool:
        newer = catalog.superseders.get(update, frozenset())
        replacers = catalog.replacers(update) & due if aim is Aim.INSTALL else frozenset()
        return not (
            any(states.get(other) is UpdateState.INSTALLED for other in newer)
            or any(states.get(other) in _APPLIES for other in replacers)
        )

    return tuple(filter(is_needed, left))
