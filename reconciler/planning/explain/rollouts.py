"""Why a phase has not opened or passed: every condition with numbers, as the planner tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.kinds.phase import Phase
from reconciler.model.computers import Run
from reconciler.model.emergencies import EmergencyState
from reconciler.model.reasons import PhaseReason
from reconciler.model.rollouts import Passage, PhaseState, Release
from reconciler.model.times import render_percentage
from reconciler.planning.census import Census
from reconciler.planning.emergencies import WAITS
from reconciler.planning.explain.chain import Chain, Step
from reconciler.planning.explain.gate_steps import gate_steps
from reconciler.planning.explain.opening_steps import opening_steps, stop_steps
from reconciler.planning.phases import counts_as_passed, make_census
from reconciler.planning.plan import Decisions
from reconciler.planning.targets import form_targets
from reconciler.planning.world import RolloutView

MOST_FAILED = 10
"""So many failed computers are named."""
Runs = Mapping[str, Run | None]
"""The last run of a release by the computer's id."""
FindRuns = Callable[[Release, Sequence[str]], Runs]
"""Reads the last runs of a release on some computers, which columns do not hold whole."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A computer whose run failed, or that fell silent after one began: it has no exit code."""

    computer: str
    exit_code: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The sizes that the gate and the halt look at (S14, S15)."""

    target: int
    waived: int = 0
    counted: int = 0
    reported: int = 0
    compliant: int = 0
    unreachable: int = 0
    tried: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class PhaseExplained:
    """One release in one phase: all conditions, of which those with a reason hold it."""

    release: int
    phase: str
    state: PhaseState
    counts: Counts
    chain: Chain
    failures: tuple[Failure, ...] = ()
    opened_at: datetime | None = None

    @property
    def reason(self) -> PhaseReason:
        """The first that holds."""
        found = (step.reason for step in self.chain if step.reason is not None)
        return PhaseReason(next(found, PhaseReason.NOT_APPLIED))


@dataclass(frozen=True, slots=True)
class RolloutExplained:
    """A rollout, emergency or removal; `waits_for` is what an emergency needs to go on (S21)."""

    rollout: str
    now: datetime
    commit: str
    emergency: EmergencyState | None
    since: datetime | None
    waits_for: str
    releases: int
    phases: tuple[PhaseExplained, ...]

    @property
    def reason(self) -> PhaseReason:
        """What holds the first phase that has not passed; passed where all have."""
        if not self.releases:
            return PhaseReason.NOTHING_RELEASED
        done = (PhaseReason.PASSED, PhaseReason.RETIRED)
        reasons = (one.reason for one in self.phases)
        return next((one for one in reasons if one not in done), PhaseReason.PASSED)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which release and phase; nothing means every live one."""

    release: int | None = None
    phase: str | None = None

    def wants(self, release: Release) -> bool:
        """Tell whether the release is asked for."""
        return not release.retired if self.release is None else release.number == self.release


def explain_rollout(
    decisions: Decisions, rollout: RolloutView, asked: Asked, find_runs: FindRuns
) -> RolloutExplained:
    """Explain its live releases in all phases, or the one that was asked for."""
    record = rollout.emergency
    state = record.state if record is not None else None
    releases = decisions.draft.releases_of(rollout.name)
    return RolloutExplained(
        rollout=rollout.subject,
        now=decisions.world.now,
        commit=decisions.plan.commit,
        emergency=state,
        since=record.steps[-1].at if record is not None else None,
        waits_for=WAITS.get(state, "") if state is not None else "",
        releases=len(releases),
        phases=tuple(
            _explain_phase(decisions, rollout, one, named, find_runs)
            for one in releases
            if asked.wants(one)
            for named in rollout.phases
            if asked.phase in (None, named.name)
        ),
    )


def _explain_phase(
    decisions: Decisions, rollout: RolloutView, release: Release, phase: Phase, find_runs: FindRuns
) -> PhaseExplained:
    draft = decisions.draft
    census = make_census(rollout, release, phase, draft)
    if census is None:
        target = form_targets(rollout, release, draft)[phase.name]
        return PhaseExplained(
            release.number,
            phase.name,
            PhaseState.PENDING,
            Counts(len(target)),
            tuple(opening_steps(rollout, release, phase, draft)),
        )
    return PhaseExplained(
        release.number,
        phase.name,
        census.record.state,
        _counts(census),
        tuple(_opened_steps(decisions, rollout, census)),
        tuple(_failures(census, find_runs)),
        census.record.opened_at,
    )


def _opened_steps(decisions: Decisions, rollout: RolloutView, census: Census) -> Iterator[Step]:
    record, draft = census.record, decisions.draft
    rule = rollout.cause("S13", "how it goes on", phase=record.phase)
    key = (record.rollout, record.release, record.phase)
    if record.retired:
        yield Step("phase", "newer releases hold its updates", PhaseReason.RETIRED, rule=rule)
        return
    if key not in decisions.world.observed.memory.phases:
        told = "the plan opens it, and no pass has done so yet"
        yield Step("phase", told, PhaseReason.NOT_APPLIED, rule=rule)
    if record.state is PhaseState.SUCCEEDED:
        passed = counts_as_passed(census)
        how = (record.passage or Passage.GATE).value
        told = f"it succeeded ({how})" + (
            "" if passed else f", but fewer comply now: {_ratio(census)}"
        )
        reason = PhaseReason.PASSED if passed else PhaseReason.REGRESSED
        yield Step("phase", told, reason, record.succeeded_at, rule)
        return
    yield from stop_steps(rollout, census.release, draft)
    yield _failures_step(rollout, census)
    yield from gate_steps(rollout, census)
    yield from _permits(census)


def _failures_step(rollout: RolloutView, census: Census) -> Step:
    """Give the halt's own numbers (S15)."""
    named = next(one for one in rollout.phases if one.name == census.record.phase)
    failed, tried = len(census.failed), len(census.tried)
    limit = f"halts at {render_percentage(named.halt.failures)}" if named.halt else "never halts"
    told = f"{failed} of {tried} that tried failed, {limit}"
    cause = rollout.cause("S15", told, phase=named.name)
    return Step("failures", told, at=census.world.now, rule=cause)


def _permits(census: Census) -> Iterator[Step]:
    """Say how many of the phase hold a permit, where budgets give any (S19)."""
    record = census.record
    held = [
        one
        for one in census.world.observed.permits
        if (one.rollout, one.release, one.phase) == (record.rollout, record.release, record.phase)
    ]
    if held:
        failed = sum(one.failed for one in held)
        told = f"{len(held)} computer(s) hold a permit, {failed} of them for a failed run"
        yield Step("permits", told, at=census.world.now)


def _ratio(census: Census) -> str:
    return f"{census.complying} of {len(census.counted)} counted"


def _counts(census: Census) -> Counts:
    return Counts(
        target=len(census.target),
        waived=len(census.waived),
        counted=len(census.counted),
        reported=len(census.reported),
        compliant=census.complying,
        unreachable=len(census.unreachable),
        tried=len(census.tried),
        failed=len(census.failed),
    )


def _failures(census: Census, find_runs: FindRuns) -> Iterator[Failure]:
    """Name the first failed computers, by ordinal, with what their last run said (S15)."""
    fleet = census.world.observed.fleet
    chosen = sorted(census.failed)[:MOST_FAILED]
    runs = find_runs(census.release, [fleet.ids[one] for one in chosen]) if chosen else {}
    for ordinal in chosen:
        run = runs.get(fleet.ids[ordinal])
        lost = ordinal in census.lost
        reason = "silent since a run began" if lost else run.reason if run else ""
        code = None if lost or run is None else run.exit_code
        yield Failure(fleet.names[ordinal], code, reason)
