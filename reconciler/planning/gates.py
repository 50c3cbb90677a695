"""When an opened phase has succeeded (S14)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.model.reasons import PhaseReason
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
    share = census.gate.success
    return counted > 0 and census.complying * share.denominator >= share.numerator * counted


def gate_bars(census: Census) -> Iterator[PhaseReason]:
    """Give what keeps the gate from holding now, the soak apart; nothing where it holds (S14)."""
    gate = census.gate
    if not census.liable:
        if not gate.allow_empty:
            yield PhaseReason.EMPTY_TARGET
        return
    if not census.counted:
        yield PhaseReason.NOTHING_COUNTED
    elif not meets_ratio(census):
        yield PhaseReason.TOO_FEW_COMPLY
    if len(census.reported) < min(gate.min_reported, len(census.counted)):
        yield PhaseReason.TOO_FEW_REPORTED
    if has_too_many_unreachable(census):
        yield PhaseReason.TOO_MANY_UNREACHABLE


def soak_bars(census: Census) -> Iterator[PhaseReason]:
    """Give what keeps the soak of a gate that holds from ending now (S14)."""
    gate, since = census.gate, census.record.soak_since
    if gate.soak == ZERO:
        return
    if since is None or census.world.now < since + gate.soak:
        yield PhaseReason.SOAKING
    elif len(census.in_contact_since(since)) < min(gate.min_reported, len(census.counted)):
        yield PhaseReason.TOO_FEW_IN_CONTACT


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
    if paused or next(gate_bars(census), None) is not None:
        if record.soak_since is not None:
            cause = rollout.cause("S14", "the gate no longer holds", phase=record.phase)
            draft.act(Verb.RESET_SOAK, replace(record, soak_since=None), cause)
        return
    if record.soak_since is None and census.gate.soak > ZERO:
        record = replace(record, soak_since=census.world.now)
        cause = rollout.cause("S14", "the gate holds", phase=record.phase)
        draft.act(Verb.BEGIN_SOAK, record, cause)
        census = census.with_record(record)
    if record.soak_since is not None:
        draft.wake_at(record.soak_since + census.gate.soak)
    if next(soak_bars(census), None) is None:
        _pass(rollout, census, draft)


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
    waits = gate.pending_restart == "wait" and not meets_ratio(census)
    if waits and census.verdict.pending_restart.intersect(census.counted):
        draft.tell(subject, ConditionType.AWAITING_RESTARTS, "installed, waiting for restarts")
    if gate.within is not None:
        overdue_at = record.opened_at + gate.within
        draft.wake_at(overdue_at)
        if overdue_at <= census.world.now:
            draft.tell(subject, ConditionType.OVERDUE, "open for longer than gate.within")


def _pass(rollout: RolloutView, census: Census, draft: Draft) -> None:
    passed = replace(
        census.record,
        state=PhaseState.SUCCEEDED,
        passage=Passage.GATE,
        succeeded_at=census.world.now,
        soak_since=None,
    )
    because = f"{census.complying} of {len(census.counted)} comply"
    cause = rollout.cause("S14", because, phase=census.record.phase)
    draft.act(Verb.PASS_PHASE, passed, cause)
