"""What keeps a phase from opening, each condition that the planner tests (S13)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.kinds.phase import Phase
from reconciler.model.reasons import PhaseReason
from reconciler.model.rollouts import PhaseState, Release
from reconciler.planning.draft import Draft
from reconciler.planning.explain.chain import Step
from reconciler.planning.halts import halted_phases, halts_elsewhere
from reconciler.planning.phases import (
    counts_as_passed,
    make_census,
    opening_bars,
    stops,
)
from reconciler.planning.world import RolloutView

_STOPS = (
    PhaseReason.HALTED,
    PhaseReason.SUSPENDED,
    PhaseReason.NOT_IN_FORCE,
    PhaseReason.STALE_READS,
)


def opening_steps(
    rollout: RolloutView, release: Release, phase: Phase, draft: Draft
) -> Iterator[Step]:
    """Give every condition of the opening; those that fail have their reason."""
    earlier = list(_earlier(rollout, release, phase, draft))
    passed = all(is_passed for _, _, is_passed in earlier)
    bars = set(opening_bars(rollout, release, phase, draft, passed=passed))
    cause = rollout.cause("S13", "when it opens", phase=phase.name)

    def step(asks: str, reason: PhaseReason, told: str, until: datetime | None = None) -> Step:
        held = reason if reason in bars else None
        return Step(asks, told, held, rollout.world.now, cause, until if held else None)

    if rollout.emergency is not None or PhaseReason.EMERGENCY_NOT_READY in bars:
        state = rollout.emergency.state.value if rollout.emergency else "not begun"
        yield step("emergency", PhaseReason.EMERGENCY_NOT_READY, f"its state is {state}")
    yield from stop_steps(rollout, release, draft)
    halts = [f"{it.rollout}/{it.release}/{it.phase}" for it in halts_elsewhere(release, draft)]
    told = f"halted elsewhere on the same update: {', '.join(halts) or 'nothing'}"
    yield step("halts elsewhere", PhaseReason.HALTED_ELSEWHERE, told)
    told = (
        "newer releases hold all of it" if PhaseReason.SERVED in bars else "nothing newer holds it"
    )
    yield step("newer releases", PhaseReason.SERVED, told)
    opens = phase.opens
    if opens.not_before is not None:
        told = f"not before {opens.not_before:%Y-%m-%d %H:%M}Z"
        yield step("notBefore", PhaseReason.NOT_BEFORE, told, opens.not_before)
    if opens.at is not None:
        yield step("at", PhaseReason.OPENS_AT, f"at {opens.at:%Y-%m-%d %H:%M}Z", opens.at)
    else:
        yield _earlier_step(earlier, step("earlier phases", PhaseReason.EARLIER_PHASE, ""))
    told = (
        "a freeze covers its whole target" if PhaseReason.FROZEN in bars else "no freeze holds it"
    )
    yield step("freeze", PhaseReason.FROZEN, told)
    if PhaseReason.TARGETS_LIMITED in bars:
        told = "too many computers would be newly targeted within 24 hours"
        yield step("daily limit", PhaseReason.TARGETS_LIMITED, told)
    if PhaseReason.ASSERTION_FAILED in bars:
        told = f"a plan that opens it fails policy {', '.join(rollout.world.barring)}"
        yield step("assertions", PhaseReason.ASSERTION_FAILED, told)
    if not bars:
        yield Step("pass", "the next pass opens it", PhaseReason.NOT_APPLIED, rollout.world.now)


def stop_steps(rollout: RolloutView, release: Release, draft: Draft) -> Iterator[Step]:
    """Give what stops openings and soaks alike: halt, suspension, force, stale reads."""
    found, suspension = set(stops(rollout, release, draft)), rollout.suspension
    halted = [one.phase for one in halted_phases(release, draft)]
    told = {
        PhaseReason.HALTED: f"halted phases: {', '.join(halted) or 'none'}",
        PhaseReason.SUSPENDED: f"suspended by {suspension.by}: {suspension.reason}"
        if suspension
        else "not suspended",
        PhaseReason.NOT_IN_FORCE: "the authorization has not begun, or has ended"
        if PhaseReason.NOT_IN_FORCE in found
        else "the authorization is in force",
        PhaseReason.STALE_READS: "git was not read whole lately"
        if PhaseReason.STALE_READS in found
        else "git was read whole lately",
    }
    rules = dict(zip(_STOPS, ("S15", "S8", "S8", "S29"), strict=True))
    for reason in _STOPS:
        held = reason if reason in found else None
        cause = rollout.cause(rules[reason], told[reason])
        yield Step(_words(reason), told[reason], held, rollout.world.now, cause)


def _words(reason: PhaseReason) -> str:
    return {
        PhaseReason.HALTED: "halt",
        PhaseReason.SUSPENDED: "suspension",
        PhaseReason.NOT_IN_FORCE: "authorization",
        PhaseReason.STALE_READS: "reads",
    }[reason]


def _earlier(
    rollout: RolloutView, release: Release, phase: Phase, draft: Draft
) -> Iterator[tuple[str, PhaseState, bool]]:
    for one in rollout.phases:
        if one.name == phase.name:
            return
        census = make_census(rollout, release, one, draft)
        state = census.record.state if census is not None else PhaseState.PENDING
        yield one.name, state, counts_as_passed(census)


def _earlier_step(earlier: list[tuple[str, PhaseState, bool]], step: Step) -> Step:
    """Tell phases that were passed and have fallen below their ratio from those yet to pass."""
    waiting = [(name, state) for name, state, is_passed in earlier if not is_passed]
    if not waiting:
        return Step(step.asks, "every earlier phase has passed", None, step.at, step.rule)
    named = ", ".join(f"{name} ({state.value})" for name, state in waiting)
    fallen = all(state is PhaseState.SUCCEEDED for _, state in waiting)
    reason = PhaseReason.REGRESSED if fallen else PhaseReason.EARLIER_PHASE
    told = f"succeeded, but fewer comply now: {named}" if fallen else f"not passed: {named}"
    return Step(step.asks, told, reason, step.at, step.rule)
