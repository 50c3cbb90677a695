"""Opening phases in order (S13), release by release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.kinds.phase import Gate, Phase
from reconciler.model.reasons import PhaseReason
from reconciler.model.rollouts import Passage, PhaseRecord, PhaseState, Release
from reconciler.planning.actions import Verb
from reconciler.planning.census import Census
from reconciler.planning.conditions import ConditionType
from reconciler.planning.daily_limits import exceeds_limits
from reconciler.planning.draft import Draft
from reconciler.planning.freezes import holds_opening
from reconciler.planning.gates import decide_gate, meets_ratio, tell_gate
from reconciler.planning.halts import (
    decide_halt,
    halted_phases,
    halts_elsewhere,
    tell_halted_elsewhere,
    tell_halts,
)
from reconciler.planning.own_deadlines import last_due, terms_of
from reconciler.planning.targets import form_targets, remember_targets
from reconciler.planning.world import RolloutView


def observe_release(rollout: RolloutView, release: Release, draft: Draft) -> None:
    """Renew the targets of opened phases, and test every halt."""
    remember_targets(rollout, release, form_targets(rollout, release, draft), draft)
    for phase in rollout.phases:
        census = make_census(rollout, release, phase, draft)
        if census is not None and not census.record.retired:
            decide_halt(rollout, census, phase.halt, draft)


def end_removed(rollout: RolloutView, draft: Draft) -> None:
    """End the phases that a complete read no longer lists (S13).

    Of a halted one the halt stays, for only an order lifts it (S15). A phase of the same name
    that is written again later opens anew.
    """
    world, listed = rollout.world, {phase.name for phase in rollout.phases}
    if not world.observed.fresh or world.guard.withholds_of(rollout.name):
        return
    for release in draft.releases_of(rollout.name):
        for name, record in sorted(draft.phases_of(release).items()):
            if name not in listed and record.state is not PhaseState.HALTED:
                cause = rollout.cause("S13", "the phase is no longer in the rollout")
                draft.end(Verb.FORGET_PHASE, record, cause)
                targets = draft.memberships.get((release.rollout, release.number, name))
                if targets is not None:
                    draft.end(Verb.FORGET_TARGETS, targets, cause)


def advance_release(rollout: RolloutView, release: Release, draft: Draft) -> None:
    """Walk once over the phases in list order (S13)."""
    tell_halts(rollout, release, draft)
    tell_halted_elsewhere(rollout, release, draft)
    paused = is_stopped(rollout, release, draft)
    passed = True
    for phase in rollout.phases:
        record = draft.phases.get((release.rollout, release.number, phase.name))
        if record is None:
            if next(opening_bars(rollout, release, phase, draft, passed=passed), None) is None:
                _open(rollout, release, phase, draft)
        else:
            _tend(rollout, release, phase, draft, paused=paused)
        census = make_census(rollout, release, phase, draft)
        if passed:
            _tell_regressed(rollout, census, draft)
        passed = passed and counts_as_passed(census)


def is_stopped(rollout: RolloutView, release: Release, draft: Draft) -> bool:
    """Tell whether nothing of the release may open or soak: halted, paused, on stale reads."""
    return next(stops(rollout, release, draft), None) is not None


def opening_bars(
    rollout: RolloutView, release: Release, phase: Phase, draft: Draft, *, passed: bool
) -> Iterator[PhaseReason]:
    """Give what keeps a phase from opening, in the order in which it is tested; nothing opens it.

    `passed` tells whether every earlier phase counts as passed (S13).
    """
    if not rollout.may_open:
        yield PhaseReason.EMERGENCY_NOT_READY
    yield from stops(rollout, release, draft)
    if halts_elsewhere(release, draft):
        yield PhaseReason.HALTED_ELSEWHERE
    if is_served(rollout, release, phase, draft):
        yield PhaseReason.SERVED
    now, opens = rollout.world.now, phase.opens
    for moment in (opens.at, opens.not_before):
        if moment is not None:
            draft.wake_at(moment)
    if opens.not_before is not None and now < opens.not_before:
        yield PhaseReason.NOT_BEFORE
    if opens.at is None and not passed:
        yield PhaseReason.EARLIER_PHASE
    if opens.at is not None and now < opens.at:
        yield PhaseReason.OPENS_AT
    yield from _bars_of_target(rollout, release, phase, draft)


def _bars_of_target(
    rollout: RolloutView, release: Release, phase: Phase, draft: Draft
) -> Iterator[PhaseReason]:
    target = form_targets(rollout, release, draft)[phase.name]
    subject = f"{rollout.subject}/{release.number}/{phase.name}"
    if holds_opening(rollout, target, subject, draft):
        yield PhaseReason.FROZEN
    if exceeds_limits(rollout, target, subject, draft):
        yield PhaseReason.TARGETS_LIMITED
    if rollout.world.barring:
        yield PhaseReason.ASSERTION_FAILED


def stops(rollout: RolloutView, release: Release, draft: Draft) -> Iterator[PhaseReason]:
    """Give what stops openings and soaks of a release alike."""
    if halted_phases(release, draft):
        yield PhaseReason.HALTED
    if rollout.suspension is not None:
        yield PhaseReason.SUSPENDED
    if not rollout.in_force:
        yield PhaseReason.NOT_IN_FORCE
    if not rollout.world.observed.fresh:
        yield PhaseReason.STALE_READS


def make_census(
    rollout: RolloutView, release: Release, phase: Phase, draft: Draft
) -> Census | None:
    """Count an opened phase; nothing where it has not opened."""
    key = (release.rollout, release.number, phase.name)
    record, membership = draft.phases.get(key), draft.memberships.get(key)
    if record is None or membership is None:
        return None
    for moment in membership.entered.moments:
        draft.wake_at(moment + phase.grace)
    made = Census(
        rollout.world,
        release,
        record,
        membership,
        phase.gate or Gate(),
        phase.grace,
        rollout.aim,
    )
    return draft.census(key, made)


def retire_served(rollout: RolloutView, release: Release, draft: Draft) -> None:
    """Retire a release where newer ones that succeeded hold all that is left of it (S12)."""
    for phase in rollout.phases:
        record = draft.phases.get((release.rollout, release.number, phase.name))
        if record is not None and not record.retired and is_served(rollout, release, phase, draft):
            because = "newer releases that succeeded here hold what is left of it"
            cause = rollout.cause("S12", because, phase=phase.name)
            draft.act(Verb.RETIRE_PHASE, replace(record, retired=True), cause)
    withheld = rollout.world.guard.withholds_of(rollout.name)
    if not (release.retired or withheld) and all(
        _is_done_with(rollout, release, phase, draft) for phase in rollout.phases
    ):
        cause = rollout.cause("S12", "it is retired in every phase")
        draft.act(Verb.RETIRE_RELEASE, replace(release, retired=True), cause)


def is_served(rollout: RolloutView, release: Release, phase: Phase, draft: Draft) -> bool:
    """Tell whether newer releases succeeded in the phase and hold the rest of this one (S12)."""
    held: set[str] = set()
    for newer in draft.releases_of(rollout.name):
        record = draft.phases.get((rollout.name, newer.number, phase.name))
        if newer.number > release.number and record is not None and _succeeded(record):
            held.update(update.id for update in newer.offered())
    return bool(held) and all(
        not held.isdisjoint(rollout.holders_of(update.id)) for update in release.offered()
    )


def _is_done_with(rollout: RolloutView, release: Release, phase: Phase, draft: Draft) -> bool:
    record = draft.phases.get((release.rollout, release.number, phase.name))
    if record is None:
        return is_served(rollout, release, phase, draft)
    return record.retired


def _succeeded(record: PhaseRecord) -> bool:
    return record.state is PhaseState.SUCCEEDED and record.passage is not Passage.SKIPPED


def _open(rollout: RolloutView, release: Release, phase: Phase, draft: Draft) -> None:
    record = PhaseRecord(
        release.rollout, release.number, phase.name, PhaseState.OPEN, rollout.world.now
    )
    because = f"release {release.number} may go on to it"
    draft.act(Verb.OPEN_PHASE, record, rollout.cause("S13", because, phase=phase.name))
    remember_targets(rollout, release, form_targets(rollout, release, draft), draft)


def _tend(
    rollout: RolloutView, release: Release, phase: Phase, draft: Draft, *, paused: bool
) -> None:
    census = make_census(rollout, release, phase, draft)
    if census is None or census.record.retired:
        return
    decide_gate(rollout, census, draft, paused=paused)
    now_census = census.with_record(draft.phases[rollout.name, release.number, phase.name])
    tell_gate(rollout, now_census, draft)
    _tell_missed(rollout, now_census, phase, draft)


def _tell_missed(rollout: RolloutView, census: Census, phase: Phase, draft: Draft) -> None:
    """`GateMissed`: deadline and spread are past, all reported, and the ratio is below (S14)."""
    time_basis = rollout.placed.document.spec.time_basis
    terms = terms_of(phase, time_basis, census.record.opened_at)
    if census.record.state is not PhaseState.OPEN or terms is None:
        return
    deadline_at = last_due(terms, census.target, rollout.world.by_zone) + phase.spread
    draft.wake_at(deadline_at)
    if deadline_at > rollout.world.now or meets_ratio(census):
        return
    if census.counted and census.reported == census.counted:
        subject = f"{rollout.subject}/{census.release.number}/{phase.name}"
        message = "the deadline is past, all have reported, and too few comply"
        draft.tell(subject, ConditionType.GATE_MISSED, message)


def counts_as_passed(census: Census | None) -> bool:
    """Succeeded and still above its ratio; accepted and skipped ones count as passed (S13)."""
    if census is None or census.record.state is not PhaseState.SUCCEEDED:
        return False
    return census.record.passage is not Passage.GATE or meets_ratio(census)


def _tell_regressed(rollout: RolloutView, census: Census | None, draft: Draft) -> None:
    if census is None or census.record.state is not PhaseState.SUCCEEDED:
        return
    if not counts_as_passed(census):
        subject = f"{rollout.subject}/{census.release.number}/{census.record.phase}"
        draft.tell(subject, ConditionType.REGRESSED, "it succeeded, but fewer comply now")
