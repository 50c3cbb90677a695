"""Whether an offered update may start on the computer, as its agent decides it (S17)."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.composition import compose
from reconciler.model.computers import RunOutcome
from reconciler.model.messages import StatusId
from reconciler.model.policy import Offer
from reconciler.model.reasons import Reason
from reconciler.model.run_reasons import Failure, Refusal
from reconciler.model.starts import due_at, fitting, is_due, ripe
from reconciler.model.times import render_instant
from reconciler.planning.explain.case import Attempt, Case
from reconciler.planning.explain.chain import Step
from reconciler.planning.explain.restarts import restart_told
from reconciler.planning.explain.windows import window_step

_POSTPONED: dict[int, str] = {
    StatusId.INSTALL_RESCHEDULED_BY_USER: "its user chose another time for it",
    StatusId.INSTALL_POSTPONED_BY_USER: "its user postponed it",
}
_WAITS = frozenset({StatusId.RUN_WAITS, StatusId.INSTALL_POSTPONED_AUTOMATICALLY})
_REFUSALS: dict[str, Reason] = {
    Refusal.DISK_FULL: Reason.DISK_FULL,
    Refusal.UNAUTHORIZED_UPGRADE: Reason.PREREQUISITE_TOO_OLD,
}


def start_steps(case: Case, offer: Offer, update: str) -> Iterator[Step]:
    """Ask what the agent asks before a run, in its order; the end is that it is due."""
    if not case.policy.enforce:
        told = "the site observes: nothing is installed until its manifest says mode: enforce"
        yield Step("mode", told, Reason.OBSERVING)
    running = case.running()
    if running is not None:
        told = f"a run of {running.rollout}/{running.release} is under way"
        yield Step("run", told, Reason.RUNNING, running.began_at)
    now = case.now
    ripens_at = next(one.not_before for one in offer.updates if one.id == update)
    if ripens_at is not None and now < ripens_at:
        told = "its waiver ended, and it is left out of runs until its own deadline"
        yield Step("waiver", told, Reason.WAIVER_GRACE, until=ripens_at)
    attempt = case.attempt_at(offer)
    if attempt is not None and attempt.reason == Failure.RESTART_FIRST:
        told = "its package asks for a restart before it can be installed"
        told += restart_told(case.statuses_of(offer))
        yield Step("last run", told, Reason.RESTART_PENDING, attempt.ended_at)
    if not is_due(offer, case.policy, attempt, now):
        yield _not_due(case, offer, attempt)
    yield _was_due(offer, attempt)
    yield from _run_steps(case, offer, update)
    newest = next(iter(case.statuses_of(offer)), None)
    if newest is not None and newest.id in _WAITS:
        because = f"{newest.reason}: {newest.detail}" if newest.detail else newest.reason
        yield Step("agent", f"its agent waits: {because}", Reason.AGENT_WAITS, newest.at)
    told = "it starts when the agent next asks for its policy"
    yield Step("start", told, Reason.DUE, now)


def _run_steps(case: Case, offer: Offer, update: str) -> Iterator[Step]:
    due = [
        one
        for one in (ripe(known, case.now) for known in case.policy.offers)
        if one.updates and is_due(one, case.policy, case.attempt_at(one), case.now)
    ]
    chosen = fitting(due, case.policy, case.now)
    fits = any(one.advertisement == offer.advertisement for one in chosen)
    yield window_step(case, offer, fits=fits)
    run = {one.id for made in compose(chosen) for one in made.updates}
    if update not in run:
        told = "another program of the same run brings a higher version"
        yield Step("run", told, Reason.OTHER_OFFER)
    yield from _permit_steps(case, offer)


def _was_due(offer: Offer, attempt: Attempt | None) -> Step:
    deadline = f", its deadline {render_instant(offer.mandatory_at)}" if offer.mandatory_at else ""
    before = f"; the last attempt ended: {attempt.reason or 'done'}" if attempt else ""
    at = attempt.ended_at if attempt else offer.available_at
    return Step("due", f"a run is due{deadline}{before}", at=at)


def _not_due(case: Case, offer: Offer, attempt: Attempt | None) -> Step:
    """Say why no run is due: there is no deadline, one was tried, or its time has not come."""
    if offer.mandatory_at is None:
        told = "the phase has no deadline, so only a user starts it"
        return Step("due", told, Reason.OFFERED_ONLY)
    first, due = due_at(offer, case.policy, None), due_at(offer, case.policy, attempt)
    if attempt is not None and first is not None and first <= case.now:
        reason, told = _outcome(attempt)
        return Step("last run", told, reason, attempt.ended_at, until=due)
    statuses = case.statuses_of(offer)
    if statuses and statuses[0].id in _POSTPONED:
        told = _POSTPONED[statuses[0].id]
        return Step("due", told, Reason.POSTPONED, statuses[0].at, until=offer.mandatory_at)
    if offer.order.user.available and case.now < offer.mandatory_at:
        told = "its user may start it until the deadline"
        return Step("due", told, Reason.WAITS_FOR_USER, until=offer.mandatory_at)
    return Step("due", "its share of the phase's spread has not come", Reason.SPREAD, until=due)


def _outcome(attempt: Attempt) -> tuple[Reason, str]:
    tail = f": {attempt.detail}" if attempt.detail else ""
    if attempt.refused:
        reason = _REFUSALS.get(attempt.reason, Reason.REFUSED)
        return (
            reason,
            f"the last run was refused before it changed anything: {attempt.reason}{tail}",
        )
    run = attempt.run
    if run is not None and run.outcome is RunOutcome.TIMED_OUT:
        return Reason.TIMED_OUT, f"the last run took too long{tail}"
    if run is not None and run.outcome is RunOutcome.FAILED:
        code = "unknown" if run.exit_code is None else run.exit_code
        word = f" ({attempt.reason})" if attempt.reason else ""
        return Reason.FAILED, f"the last run failed with exit code {code}{word}{tail}"
    return Reason.RAN, "the last run ended well, and the update is missing still"


def _permit_steps(case: Case, offer: Offer) -> Iterator[Step]:
    """Ask for room in every budget that binds the start (S19)."""
    if not offer.needs_permit:
        return
    computer, permits = case.computer, case.world.observed.permits
    mine = (computer.id, offer.advertisement)
    own = next((one for one in permits if (one.computer, one.advertisement) == mine), None)
    if own is not None and not own.failed:
        yield Step("permit", "it has a permit", at=own.granted_at)
        return
    if own is not None:
        told = "its permit is kept for its failed run"
        yield Step("permit", told, Reason.WAITS_FOR_PERMIT, own.granted_at)
    key = (offer.rollout, offer.release, offer.phase)
    disrupted = {one.ordinal for one in permits if (one.computer, one.advertisement) != mine}
    for domain in case.decisions.plan.guidance.budgets:
        if domain.binds(computer.ordinal, key) and not domain.has_room(disrupted):
            holders = sorted({one.name for one in permits if one.ordinal in domain.members})
            told = f"{domain.budget}: all {domain.limit} permits of {domain.value} are with others"
            named = ", ".join(holders[:5])
            yield Step("permit", f"{told}: {named}", Reason.WAITS_FOR_PERMIT, case.now)
    yield Step("permit", "every budget has room", at=case.now)
