"""Count one release in one opened phase: who answered, who complies, who failed (S14, S15)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from pyroaring import BitMap, FrozenBitMap

from reconciler.kinds.phase import Gate
from reconciler.model.aims import Aim
from reconciler.model.rollouts import PhaseRecord, Release
from reconciler.model.times import later
from reconciler.observed.columns import micros
from reconciler.observed.memo import Bits, Identity, Sets
from reconciler.observed.memory import Membership, PhaseKey
from reconciler.observed.order import array_of, bits_of
from reconciler.observed.part import AnyFleet
from reconciler.observed.runs import RunColumn, RunPart
from reconciler.observed.steps import Instants
from reconciler.planning.verdicts import Verdict
from reconciler.planning.world import World


@dataclass(frozen=True)
class Census:
    """Sets of ordinals for one (release, opened phase), kept while nothing in them changes."""

    world: World
    release: Release
    record: PhaseRecord
    membership: Membership
    gate: Gate
    grace: timedelta
    aim: Aim

    @property
    def target(self) -> FrozenBitMap:
        """The computers of the phase."""
        return self.membership.members

    @property
    def waived(self) -> FrozenBitMap:
        """Those that a waiver lets off all that applies to them (S11)."""
        return self._sets["waived"]

    @cached_property
    def liable(self) -> FrozenBitMap:
        """The target without the waived ones."""
        return self.target - self.waived if self.waived else self.target

    @cached_property
    def verdict(self) -> Verdict:
        """Each computer's verdict for what the release offers (S10)."""
        sets = self._sets
        return Verdict(sets["unknown"], sets["missing"], sets["pending"], sets["complying"])

    @property
    def compliant(self) -> FrozenBitMap:
        """Those that count as compliant; `pendingRestart: accept` adds the waiting ones (S14)."""
        return self._sets["compliant"]

    @property
    def unreachable(self) -> FrozenBitMap:
        """Those that are silent and not waived; of them only the lost are counted (S14)."""
        return self._sets["unreachable"]

    @property
    def lost(self) -> FrozenBitMap:
        """Those that fell silent after a run of this release began on them (S14)."""
        return self._sets["lost"]

    @property
    def reported(self) -> FrozenBitMap:
        """Counted ones with evidence since the opening and a verdict other than unknown (S14)."""
        return self._sets["reported"]

    @property
    def counted(self) -> FrozenBitMap:
        """Those that the gate's ratio is of (S14)."""
        return self._sets["counted"]

    @cached_property
    def complying(self) -> int:
        """How many of the counted ones comply: the ratio is of these."""
        sets = self._sets
        return self.world.memo.value(
            ("complying", *self._place),
            Identity(sets),
            lambda: sets["counted"].intersection_cardinality(sets["compliant"]),
        )

    @property
    def failed(self) -> FrozenBitMap:
        """Those whose last run of the release failed, or that are lost, and no scan says better."""
        return self._sets["failed"]

    @property
    def tried(self) -> FrozenBitMap:
        """What the halt's ratio is of: a verdict, a finished run, or lost, since the last lift."""
        return self._sets["tried"]

    @property
    def since(self) -> datetime:
        """The instant from which failures count: the opening, or the last lift (S15)."""
        return later(self.record.opened_at, self.record.lifted_at)

    def in_contact_since(self, moment: datetime) -> BitMap:
        """Give the counted ones that were heard of at or after the instant."""
        heard = self.world.observed.fleet.last_contact_at.at_least(micros(moment))
        return BitMap(self.counted & heard)

    def with_record(self, record: PhaseRecord) -> Census:
        """Give the same census for a changed record."""
        return replace(self, record=record)

    @cached_property
    def _sets(self) -> Sets[str]:
        inputs = (
            self.release.ids,
            self.release.cut_at,
            self.record.opened_at,
            self.since,
            self.gate.pending_restart,
            self.gate.unreachable_after,
            self.aim,
        )
        entrants = self.membership.entered.where(self._is_in_grace)

        def count(fleet: AnyFleet) -> dict[str, Bits]:
            return _Count(self, entrants, fleet).sets()

        looked_up = self.world.evidence.looked_up(self.release.ids)
        among: tuple[Bits, ...] = (self.target, entrants, *looked_up)
        return self.world.memo.sets(("census", *self._place), inputs, count, *among, within=True)

    @property
    def _place(self) -> PhaseKey:
        return self.release.rollout, self.release.number, self.record.phase

    def _is_in_grace(self, entered_at: datetime) -> bool:
        """Tell whether who entered then has still time to report."""
        return self.world.now < entered_at + self.grace


_NAMES = (
    "unknown",
    "missing",
    "pending",
    "complying",
    "compliant",
    "unreachable",
    "reported",
    "counted",
    "failed",
    "tried",
    "waived",
    "lost",
)
_NOBODY = FrozenBitMap()


class _Count:
    """The definitions of the sets, for a whole fleet or some computers of it."""

    def __init__(self, census: Census, entrants: BitMap, fleet: AnyFleet) -> None:
        self._census = census
        self._entrants = entrants
        self._fleet = fleet
        self._target = fleet.cut(census.target)

    def sets(self) -> dict[str, Bits]:
        """Give all of them by name."""
        if not self._target:
            return dict.fromkeys(_NAMES, _NOBODY)
        verdict = self._verdict
        found = (
            *(verdict.unknown, verdict.non_compliant, verdict.pending_restart, verdict.compliant),
            *(self._compliant, self._unreachable, self._counted & self._answered, self._counted),
            *(self._failed, self._tried, self._waived, self._lost),
        )
        return dict(zip(_NAMES, found, strict=True))

    @cached_property
    def _runs(self) -> RunColumn | RunPart:
        release = self._census.release
        return self._fleet.runs_of(f"{release.first_name}/{release.number}")

    @cached_property
    def _verdict(self) -> Verdict:
        census = self._census
        return census.world.evidence.judge(self._target, census.release, census.aim)

    @cached_property
    def _waived(self) -> Bits:
        census = self._census
        return census.world.evidence.excused(self._target, census.release, self._fleet)

    @cached_property
    def _compliant(self) -> Bits:
        if self._census.gate.pending_restart == "accept":
            return self._verdict.compliant | self._verdict.pending_restart
        return self._verdict.compliant

    @cached_property
    def _silent(self) -> BitMap:
        """Those without contact for `unreachableAfter`; nobody when no such time is set."""
        after = self._census.gate.unreachable_after
        if after is None:
            return BitMap()
        memo, fleet = self._census.world.memo, self._fleet
        heard = fleet.last_contact_at.above(memo.older_than(Instants.CONTACT, after))
        heard |= fleet.enrolled_at.above(memo.older_than(Instants.ENROLLED, after))
        return BitMap(self._target - heard)

    @cached_property
    def _lost(self) -> BitMap:
        """Those that fell silent after a run of this release began on them (S14).

        The run did not end, or no scan followed it: they may be broken, so they stay counted.
        """
        runs, scanned_at = self._runs, self._fleet.last_scan_at
        bound = micros(self._census.release.cut_at)
        if not self._silent:
            return BitMap()
        began = array_of(runs.began_at.at_least(bound) & self._silent)
        began_at, ended_at = runs.began_at.take(began), runs.ended_at.take(began)
        return bits_of(began[(ended_at < began_at) | (scanned_at.take(began) <= ended_at)])

    @cached_property
    def _unreachable(self) -> BitMap:
        return self._silent - self._waived

    @cached_property
    def _answered(self) -> BitMap:
        return self._evidence(self._census.record.opened_at) - self._verdict.unknown

    @cached_property
    def _counted(self) -> Bits:
        liable = self._target - self._waived
        away = self._unreachable - self._lost
        return liable - away - (self._entrants - self._answered)

    @cached_property
    def _failed(self) -> BitMap:
        """A computer that did not start is not failed, nor is one that is let off (S15, S11)."""
        failed = (self._runs.failed & self._finished) - self._waived
        if not failed:
            return self._newly_lost
        better = array_of(failed & self._compliant)
        scanned_at, ended_at = self._fleet.last_scan_at, self._runs.ended_at
        healed = bits_of(better[scanned_at.take(better) > ended_at.take(better)])
        return (failed - healed) | self._newly_lost

    @cached_property
    def _tried(self) -> BitMap:
        judged = self._evidence(self._census.since) - self._verdict.unknown
        return (judged | self._finished | self._newly_lost) - self._waived

    @cached_property
    def _finished(self) -> BitMap:
        """Those whose last finished run ended since failures count."""
        return self._runs.ended_at.above(micros(self._census.since)) & self._target

    @cached_property
    def _newly_lost(self) -> BitMap:
        """Those whose run began since failures count: a retry forgets the others."""
        if not self._lost:
            return BitMap()
        return (self._runs.began_at.above(micros(self._census.since)) & self._lost) - self._waived

    def _evidence(self, moment: datetime) -> BitMap:
        """Scans begun or runs ended after the instant, in corrected time (S14)."""
        bound = micros(moment)
        scanned = self._fleet.last_scan_at.above(bound)
        return (scanned | self._runs.ended_at.above(bound)) & self._target
