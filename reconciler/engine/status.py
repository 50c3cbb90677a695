"""The status that operators watch: one JSON value, written only when it changes (S30)."""

from __future__ import annotations

from reconciler.engine.desire import Desire
from reconciler.model.canonical import Json
from reconciler.model.codec import encode
from reconciler.observed.state import ObservedState
from reconciler.planning.plan import Plan

STATUS = "status"
FORCE = "force"


def make_status(plan: Plan, desire: Desire, observed: ObservedState, *, withheld: int) -> Json:
    """Summarise one pass; nothing in it changes while nothing happens."""
    fleet = observed.fleet
    return {
        "revision": {
            "attempted": desire.attempted,
            "applied": plan.commit,
            "problems": [str(problem) for problem in desire.problems if problem.is_error],
            "failure": desire.failure,
        },
        "conditions": [
            {"subject": one.subject, "type": one.type.value, "message": one.message}
            for one in plan.conditions
        ],
        "phases": [encode(count) for count in plan.counts],
        "pendingActions": withheld,
        "converged": plan.converged,
        "computers": len(fleet.enrolled),
        "catalog": {
            "version": observed.catalog.version,
            "updates": len(observed.catalog.entries),
            "sources": {
                name: {"fetchedAt": encode(one.fetched_at), "problem": one.problem}
                for name, one in sorted(observed.catalog.sources.items())
            },
        },
    }
