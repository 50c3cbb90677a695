"""Count one release in one opened phase: who answered, who complies, who failed (S14, S15)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from pyroaring import BitMap

from reconciler.kinds.phase import Gate
from reconciler.model.rollouts import PhaseRecord, Release
from reconciler.model.times import later
from reconciler.observed.columns import micros
from reconciler.observed.fleet import Fleet
from reconciler.observed.memory import Membership
from reconciler.observed.order import array_of, bits_of
from reconciler.observed.runs import RunColumn
from reconciler.planning.verdicts import Verdict
from reconciler.planning.world import World


@dataclass(frozen=True)
class Census:
    """Sets of ordinals for one (release, opened phase); each is computed when first asked for."""

    world: World
    release: Release
    record: PhaseRecord
    membership: Membership
    gate: Gate
    grace: timedelta
    keep_superseded: bool

    @cached_property
    def target(self) -> BitMap:
        """The computers of the phase."""
        return BitMap(self.membership.members)

    @cached_property
    def verdict(self) -> Verdict:
        """Each computer's verdict for what the release offers (S10)."""
        return self.world.evidence.judge(
            self.target, self.release.offered(), keep_superseded=self.keep_superseded
        )

    @cached_property
    def compliant(self) -> BitMap:
        """Those that count as compliant; `pendingRestart: accept` adds the waiting ones (S14)."""
        if self.gate.pending_restart == "accept":
            return self.verdict.compliant | self.verdict.pending_restart
        return self.verdict.compliant

    @cached_property
    def silent(self) -> BitMap:
        """Those without contact for `unreachableAfter`; nobody when no such time is set."""
        after = self.gate.unreachable_after
        if after is None:
            return BitMap()
        bound = micros(self.world.now - after)
        heard = self._fleet.last_contact_at.above(bound) | self._fleet.enrolled_at.above(bound)
        return self.target - heard

    @cached_property
    def lost(self) -> BitMap:
        """Those that fell silent after a run of this release began on them (S14).

        The run did not end, or no scan followed it: they may be broken, so they stay counted.
        """
        runs, scanned_at = self._runs, self._fleet.last_scan_at
        began = array_of(runs.began_at.at_least(micros(self.release.cut_at)) & self.silent)
        began_at, ended_at = runs.began_at.take(began), runs.ended_at.take(began)
        return bits_of(began[(ended_at < began_at) | (scanned_at.take(began) <= ended_at)])

    @cached_property
    def unreachable(self) -> BitMap:
        """Those that are silent and not lost: they neither pass nor fail the gate."""
        return self.silent - self.lost

    @cached_property
    def reported(self) -> BitMap:
        """Counted ones with evidence since the opening and a verdict other than unknown (S14)."""
        return self.counted & self._evidence(self.record.opened_at) - self.verdict.unknown

    @cached_property
    def counted(self) -> BitMap:
        """Those that the gate's ratio is of (S14)."""
        fresh_entrants = self.membership.entered.where(
            lambda entered_at: self.world.now < entered_at + self.grace
        )
        answered = self._evidence(self.record.opened_at) - self.verdict.unknown
        return self.target - self.unreachable - (fresh_entrants - answered)

    @property
    def since(self) -> datetime:
        """The instant from which failures count: the opening, or the last lift (S15)."""
        return later(self.record.opened_at, self.record.lifted_at)

    @cached_property
    def failed(self) -> BitMap:
        """Those whose last run of the release failed, or that are lost, and no scan says better.

        A computer that did not start is not failed (S15).
        """
        failed = self._runs.failed & self._finished
        better = array_of(failed & self.compliant)
        scanned_at, ended_at = self._fleet.last_scan_at, self._runs.ended_at
        healed = bits_of(better[scanned_at.take(better) > ended_at.take(better)])
        return (failed - healed) | self._newly_lost

    @cached_property
    def tried(self) -> BitMap:
        """What the halt's ratio is of: a verdict, a finished run, or lost, since the last lift."""
        judged = self._evidence(self.since) - self.verdict.unknown
        return judged | self._finished | self._newly_lost

    def in_contact_since(self, moment: datetime) -> BitMap:
        """Give the counted ones that were heard of at or after the instant."""
        return self.counted & self._fleet.last_contact_at.at_least(micros(moment))

    def with_record(self, record: PhaseRecord) -> Census:
        """Give the same census for a changed record."""
        return replace(self, record=record)

    @property
    def _finished(self) -> BitMap:
        """Those whose last finished run ended since failures count."""
        return self._runs.ended_at.above(micros(self.since)) & self.target

    @property
    def _newly_lost(self) -> BitMap:
        """Those whose run began since failures count: a retry forgets the others."""
        return self._runs.began_at.above(micros(self.since)) & self.lost

    def _evidence(self, moment: datetime) -> BitMap:
        """Scans begun or runs ended after the instant, in corrected time (S14)."""
        bound = micros(moment)
        return (
            self._fleet.last_scan_at.above(bound) | self._runs.ended_at.above(bound)
        ) & self.target

    @property
    def _fleet(self) -> Fleet:
        return self.world.observed.fleet

    @property
    def _runs(self) -> RunColumn:
        return self._fleet.runs_of(f"{self.release.rollout}/{self.release.number}")
