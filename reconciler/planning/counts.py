"""How every release stands in every phase, as sizes of sets of computers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from pyroaring import FrozenBitMap

from reconciler.model.rollouts import Passage, PhaseState, Release
from reconciler.observed.memo import Bits
from reconciler.planning.census import Census
from reconciler.planning.draft import Draft
from reconciler.planning.phases import make_census
from reconciler.planning.targets import form_targets
from reconciler.planning.world import RolloutView


@dataclass(frozen=True, slots=True)
class PhaseCount:
    """How one release stands in one phase: sizes of sets of computers.

    Of each verdict those that are not waived, who are counted apart (S11).
    """

    rollout: str
    release: int
    phase: str
    state: PhaseState
    target: int
    compliant: int
    missing: int
    unknown: int
    pending_restart: int
    failed: int
    unreachable: int
    reported: int
    waived: int = 0
    soak_since: datetime | None = None
    opened_at: datetime | None = None
    succeeded_at: datetime | None = None
    passage: Passage | None = None


def count_phases(rollouts: Iterable[RolloutView], draft: Draft) -> Iterator[PhaseCount]:
    """Count every live release; of an ended authorization nothing is left to bring about."""
    for rollout in rollouts:
        for release in draft.live_releases(rollout.name) if not rollout.has_ended else ():
            targets = form_targets(rollout, release, draft)
            for phase in rollout.phases:
                census = make_census(rollout, release, phase, draft)
                if census is None:
                    yield _pending_count(rollout, release, phase.name, targets[phase.name])
                elif not census.record.retired:
                    yield _open_count(census)


def _pending_count(
    rollout: RolloutView, release: Release, phase: str, target: FrozenBitMap
) -> PhaseCount:
    evidence = rollout.world.evidence
    place = (rollout.name, release.number, phase)
    verdict, waived = evidence.judge_phase(place, target, release, rollout.aim)
    return PhaseCount(
        rollout=rollout.name,
        release=release.number,
        phase=phase,
        state=PhaseState.PENDING,
        target=len(target),
        compliant=_liable(verdict.compliant, waived),
        missing=_liable(verdict.non_compliant, waived),
        unknown=_liable(verdict.unknown, waived),
        pending_restart=_liable(verdict.pending_restart, waived),
        failed=0,
        unreachable=0,
        reported=0,
        waived=len(waived),
    )


def _open_count(census: Census) -> PhaseCount:
    return PhaseCount(
        rollout=census.release.rollout,
        release=census.release.number,
        phase=census.record.phase,
        state=census.record.state,
        target=len(census.target),
        compliant=_liable(census.verdict.compliant, census.waived),
        missing=_liable(census.verdict.non_compliant, census.waived),
        unknown=_liable(census.verdict.unknown, census.waived),
        pending_restart=_liable(census.verdict.pending_restart, census.waived),
        failed=len(census.failed),
        unreachable=len(census.unreachable),
        reported=len(census.reported),
        waived=len(census.waived),
        soak_since=census.record.soak_since,
        opened_at=census.record.opened_at,
        succeeded_at=census.record.succeeded_at,
        passage=census.record.passage,
    )


def _liable(who: Bits, waived: Bits) -> int:
    """Count those who are not waived."""
    return len(who) - who.intersection_cardinality(waived) if waived else len(who)
