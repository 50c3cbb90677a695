"""Conditions as they stand in the status: since when, of which commit; and what changed (S30)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.engine.desire import Desire, refuses
from reconciler.model.canonical import Json
from reconciler.model.codec import encode
from reconciler.planning.conditions import Condition, ConditionType
from reconciler.planning.plan import Plan
from reconciler.store.events import Event

TRUE, FALSE = "True", "False"
READY, RECONCILING, STALLED = "Ready", "Reconciling", "Stalled"


OF_SITE = frozenset({READY, RECONCILING, STALLED})
"""What sums up the site: it is there always, true or false."""


@dataclass(frozen=True, slots=True)
class Told:
    """One statement of now: whether it is true of a subject, why, and in words."""

    subject: str
    type: str
    status: str
    reason: str
    message: str


def site_conditions(
    site: str, plan: Plan | None, desire: Desire, failure: str = ""
) -> tuple[Told, ...]:
    """Give `Ready`, `Reconciling` and `Stalled` of the site; `failure` is of a pass itself."""
    subject = f"Site/{site}"
    stalled, why = _stall(plan, desire, failure)
    observes = plan is not None and not plan.guidance.enforce
    converged = plan is not None and plan.converged and not stalled
    works = not (converged or stalled or observes)
    state = stalled or ("Converged" if converged else "Observing" if observes else "Progressing")
    return (
        Told(subject, READY, TRUE if converged else FALSE, state, why),
        Told(subject, RECONCILING, TRUE if works else FALSE, state, ""),
        Told(subject, STALLED, TRUE if stalled else FALSE, state, why),
    )


def told_by(conditions: Iterable[Condition]) -> tuple[Told, ...]:
    """Give what a plan says; what it does not say is not true."""
    return tuple(
        Told(one.subject, one.type.value, TRUE, one.reason, one.message) for one in conditions
    )


def follow(
    told: Sequence[Told], before: Sequence[Json], commit: str, now: datetime
) -> tuple[list[Json], list[Event]]:
    """Give the conditions with the instant of their last transition, and an event per change.

    A transition is a change of a condition's status; one that is told no more was false since.
    """
    known = {(one["subject"], one["type"]): one for one in before if "status" in one}
    conditions: list[Json] = []
    events: list[Event] = []
    for one in told:
        old = known.pop((one.subject, one.type), None)
        same = old is not None and old["status"] == one.status
        since = old["lastTransitionTime"] if old is not None and same else encode(now)
        conditions.append(
            {
                "subject": one.subject,
                "type": one.type,
                "status": one.status,
                "reason": one.reason,
                "message": one.message,
                "observedGeneration": commit,
                "lastTransitionTime": since,
            }
        )
        if not same and (old is not None or one.status == TRUE):
            events.append(Event(now, one.subject, one.type, one.status, one.reason, one.message))
    events += [
        Event(now, subject, type_, FALSE, old["reason"], "")
        for (subject, type_), old in sorted(known.items())
        if old["status"] == TRUE
    ]
    return conditions, events


def _stall(plan: Plan | None, desire: Desire, failure: str) -> tuple[str, str]:
    """Give why nothing goes on without a person, and in words; nothing where it does."""
    if failure:
        return "PassFailed", failure
    if desire.failure:
        return "SourceUnreadable", desire.failure
    refused = [problem for problem in desire.problems if refuses(problem)]
    if refused:
        return "InvalidRevision", f"{len(refused)} problem(s), the first: {refused[0]}"
    if plan is None:
        return "NoRevision", "no commit has taken force yet"
    if any(one.type is ConditionType.PRUNE_BLOCKED for one in plan.conditions):
        return ConditionType.PRUNE_BLOCKED.value, "too much is missing from git"
    return "", ""
