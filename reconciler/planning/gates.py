"""When an opened phase has succeeded (S14)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler.model.rollouts import Passage, PhaseState
from reconciler.model.times import ZERO
from reconciler.planning.actions import Verb
from reconciler.planning.census import Census
from reconciler.planning.conditions import ConditionType
from reconciler.planning.draft import Draft
from reconciler.planning.world import RolloutView


def meets_ratio(census: Census) -> bool:
    """Tell whether enough of the counted ones comply; nothing counted is never enough (S14)."""
    counted = len(census.counted)
    if not census.liable:
        return census.gate.allow_empty
    return counted > 0 and len(census.compliant & census.counted) >= census.gate.success * counted


def holds(census: Census) -> bool:
    """Tell whether the gate's conditions all hold now, the soak apart (S14)."""
    gate = census.gate
    if not census.liable:
        return gate.allow_empty
    return (
        meets_ratio(census)
        and len(census.reported) >= min(gate.min_reported, len(census.counted))
        and not has_too_many_unreachable(census)
    )


def has_too_many_unreachable(census: Census) -> bool:
    """Tell whether more of the target is silent than the gate allows (S14)."""
    return len(census.unreachable) > census.gate.max_unreachable * len(census.liable)


def decide_gate(rollout: RolloutView, census: Census, draft: Draft, *, paused: bool) -> None:
    """Begin, go on with, or begin again the soak of an open phase, and pass it at its end.

    A suspension, a halt, an authorization out of force, or a plan on stale reads starts it again.
    """
    record = census.record
    if record.state is not PhaseState.OPEN:
        return
    if paused or not holds(census):
        if record.soak_since is not None:
            cause = rollout.cause("S14", "the gate no longer holds", phase=record.phase)
            draft.act(Verb.RESET_SOAK, replace(record, soak_since=None), cause)
        return
    if census.gate.soak == ZERO:
        _pass(rollout, census, draft)
    elif record.soak_since is None:
        soaking = replace(record, soak_since=census.world.now)
        draft.wake_at(census.world.now + census.gate.soak)
        cause = rollout.cause("S14", "the gate holds", phase=record.phase)
        draft.act(Verb.BEGIN_SOAK, soaking, cause)
    else:
        _end_soak(rollout, census, record.soak_since, draft)


def tell_gate(rollout: RolloutView, census: Census, draft: Draft) -> None:
    """Say what keeps an open phase from passing."""
    record, gate = census.record, census.gate
    if record.state is not PhaseState.OPEN:
        return
    subject = f"{rollout.subject}/{record.release}/{record.phase}"
    if not census.liable and not gate.allow_empty:
        message = "nobody is targeted who is not waived; set gate.allowEmpty to pass an empty phase"
        draft.tell(subject, ConditionType.EMPTY_TARGET, message)
    if has_too_many_unreachable(census):
        message = "more of the target is out of contact than gate.maxUnreachable allows"
        draft.tell(subject, ConditionType.TOO_MANY_UNREACHABLE, message)
    waiting = census.verdict.pending_restart & census.counted
    if waiting and gate.pending_restart == "wait" and not meets_ratio(census):
        draft.tell(subject, ConditionType.AWAITING_RESTARTS, "installed, waiting for restarts")
    if gate.within is not None:
        overdue_at = record.opened_at + gate.within
        draft.wake_at(overdue_at)
        if overdue_at <= census.world.now:
            draft.tell(subject, ConditionType.OVERDUE, "open for longer than gate.within")


def _end_soak(rollout: RolloutView, census: Census, since: datetime, draft: Draft) -> None:
    gate = census.gate
    ends_at = since + gate.soak
    draft.wake_at(ends_at)
    enough = min(gate.min_reported, len(census.counted))
    if ends_at <= census.world.now and len(census.in_contact_since(since)) >= enough:
        _pass(rollout, census, draft)


def _pass(rollout: RolloutView, census: Census, draft: Draft) -> None:
    passed = replace(
        census.record,
        state=PhaseState.SUCCEEDED,
        passage=Passage.GATE,
        succeeded_at=census.world.now,
        soak_since=None,
    )
    because = f"{len(census.compliant & census.counted)} of {len(census.counted)} comply"
    cause = rollout.cause("S14", because, phase=census.record.phase)
    draft.act(Verb.PASS_PHASE, passed, cause)
