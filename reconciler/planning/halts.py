"""Stopping a release that breaks computers, and letting it go on again (S15)."""

from __future__ import annotations

from dataclasses import replace

from reconciler.desired.expansion import EMERGENCY, is_removal, kind_and_name
from reconciler.kinds.phase import Halt
from reconciler.kinds.rollout_settings import Resume
from reconciler.model.rollouts import Passage, PhaseRecord, PhaseState, Release, SeenToken
from reconciler.model.times import render_percentage
from reconciler.planning.actions import Verb
from reconciler.planning.census import Census
from reconciler.planning.conditions import ConditionType
from reconciler.planning.draft import Draft
from reconciler.planning.world import RolloutView


def decide_halt(rollout: RolloutView, census: Census, halt: Halt | None, draft: Draft) -> None:
    """Halt the phase when enough of those who tried have failed; skipped ones never (S15)."""
    record = census.record
    if halt is None or record.state is PhaseState.HALTED or record.passage is Passage.SKIPPED:
        return
    failed, tried = len(census.failed), len(census.tried)
    if not failed or tried < min(halt.min_reported, len(census.liable)):
        return
    if failed < halt.failures * tried:
        return
    offered = {update.id for update in census.release.offered()}
    evidence = census.world.evidence
    # With nothing known to be left to do, every update of the release is suspect.
    blocked = evidence.left_to_do(census.failed, offered, rollout.aim) or tuple(sorted(offered))
    halted = replace(
        record,
        state=PhaseState.HALTED,
        before_halt=record.state,
        halted_at=census.world.now,
        blocked=blocked,
        soak_since=None,
    )
    share = render_percentage(halt.failures)
    because = f"{failed} of {tried} computer(s) that tried failed, the limit is {share}"
    draft.act(Verb.HALT_PHASE, halted, rollout.cause("S15", because, phase=record.phase))


def lift_relieved(rollout: RolloutView, release: Release, draft: Draft) -> None:
    """Lift halts whose every blocked update a commit took out of the release (S15)."""
    offered = release.offered_ids
    for record in draft.phases_of(release).values():
        if record.state is PhaseState.HALTED and offered.isdisjoint(record.blocked):
            lifted = _lifted(record, rollout, keep_blocked=True)
            because = "the updates that failed were taken out of the release"
            draft.act(Verb.LIFT_HALT, lifted, rollout.cause("S15", because, phase=record.phase))


def resume(rollout: RolloutView, draft: Draft) -> None:
    """Act once on a resume token that was not seen before (S15)."""
    asked = rollout.placed.document.spec.resume
    if asked is None or (rollout.name, asked.token) in draft.tokens:
        return
    cause = rollout.cause("S15", f"resume asks to {asked.how}: {asked.reason or 'no reason given'}")
    seen = SeenToken(rollout.name, asked.token, rollout.world.now)
    draft.act(Verb.SEE_TOKEN, seen, cause)
    if asked.how == "retry":
        _retry(rollout, draft)
    else:
        _let_pass(rollout, asked, draft)


def halted_phases(release: Release, draft: Draft) -> list[PhaseRecord]:
    """Give the halted phases of a release."""
    records = draft.phases_of(release).values()
    return [record for record in records if record.state is PhaseState.HALTED]


def tell_halts(rollout: RolloutView, release: Release, draft: Draft) -> None:
    """Say which phases are halted."""
    for record in halted_phases(release, draft):
        subject = f"{rollout.subject}/{release.number}/{record.phase}"
        blocked = ", ".join(record.blocked[:3]) + (", …" if len(record.blocked) > 3 else "")  # noqa: PLR2004  # three names tell enough
        ways = f"take {blocked} out" if is_removal(rollout.name) else f"except {blocked} or resume"
        message = f"too many runs failed; {ways}"
        draft.tell(subject, ConditionType.HALTED, message)


def keeps_back(record: PhaseRecord, rollout: str, release: int) -> bool:
    """Tell whether a halt keeps what it blocks from a release (S15).

    From an emergency, which is the way out, it keeps nothing. What broke computers when it came
    has to be removable, and the other way round.
    """
    if kind_and_name(rollout)[0] == EMERGENCY or not record.blocks(rollout, release):
        return False
    return is_removal(record.rollout) == is_removal(rollout)


def halts_elsewhere(release: Release, draft: Draft) -> list[PhaseRecord]:
    """Give the halts of another rollout or an older release on an update of this one (S15)."""
    offered = release.offered_ids
    return [
        record
        for record in draft.halted()
        if keeps_back(record, release.rollout, release.number)
        and not offered.isdisjoint(record.blocked)
    ]


def tell_halted_elsewhere(rollout: RolloutView, release: Release, draft: Draft) -> None:
    """Say which halts elsewhere keep a release from opening further."""
    for record in halts_elsewhere(release, draft):
        subject = f"{rollout.subject}/{release.number}"
        where = f"{record.rollout}/{record.release}/{record.phase}"
        draft.tell(subject, ConditionType.HALTED_ELSEWHERE, f"{where} halted on the same update")


def _retry(rollout: RolloutView, draft: Draft) -> None:
    """Forget failures and soak on every halted phase of the rollout."""
    for release in draft.releases_of(rollout.name):
        for record in draft.phases_of(release).values():
            if record.state is PhaseState.HALTED:
                lifted = _lifted(record, rollout, keep_blocked=False)
                cause = rollout.cause("S15", "resume asks to retry", phase=record.phase)
                draft.act(Verb.LIFT_HALT, lifted, cause)


def _let_pass(rollout: RolloutView, asked: Resume, draft: Draft) -> None:
    """Count the named release's phase as passed: accepted is still offered, skipped is not."""
    record = draft.phases.get((rollout.name, asked.release or 0, asked.phase or ""))
    if record is None:
        return
    passed = replace(
        record,
        state=PhaseState.SUCCEEDED,
        passage=Passage.ACCEPTED if asked.how == "accept" else Passage.SKIPPED,
        succeeded_at=rollout.world.now,
        soak_since=None,
        before_halt=None,
        lifted_at=rollout.world.now,
        blocked=(),
    )
    cause = rollout.cause("S15", f"resume asks to {asked.how}", phase=record.phase)
    draft.act(Verb.PASS_PHASE, passed, cause)


def _lifted(record: PhaseRecord, rollout: RolloutView, *, keep_blocked: bool) -> PhaseRecord:
    return replace(
        record,
        state=record.before_halt or PhaseState.OPEN,
        before_halt=None,
        soak_since=None,
        lifted_at=rollout.world.now,
        blocked=record.blocked if keep_blocked else (),
    )
