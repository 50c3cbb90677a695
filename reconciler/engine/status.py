"""The status that operators watch: one JSON value, written only when it changes (S30)."""

from __future__ import annotations

from reconciler.engine.desire import Desire, refuses
from reconciler.model.canonical import Json
from reconciler.model.codec import encode
from reconciler.observed.state import ObservedState
from reconciler.planning.plan import Plan

STATUS = "status"
FORCE = "force"


def make_first_status(desire: Desire, conditions: list[Json]) -> Json:
    """Say why nothing is in force yet."""
    return {
        "revision": _revision(desire, ""),
        "conditions": conditions,
        "phases": [],
        "emergencies": [],
        "drills": [],
        "stalled": "",
        "fresh": False,
        "pendingActions": 0,
        "converged": False,
        "computers": 0,
        "catalog": {"version": 0, "updates": 0, "sources": {}},
    }


def make_force(plan: Plan, before: Json, *, applied: bool) -> Json:
    """Tell the commit in force, and the one that was carried out last, whose grants are over."""
    return {
        "commit": plan.commit,
        "applied": plan.commit if applied else before.get("applied", ""),
    }


def make_status(
    plan: Plan, desire: Desire, observed: ObservedState, conditions: list[Json], *, withheld: int
) -> Json:
    """Summarise one pass; nothing in it changes while nothing happens."""
    fleet = observed.fleet
    return {
        "revision": _revision(desire, plan.commit),
        "conditions": conditions,
        "phases": [encode(count) for count in plan.counts],
        "emergencies": [encode(one) for one in plan.emergencies],
        "drills": [encode(one) for one in plan.drills],
        "stalled": "",
        "fresh": observed.fresh,
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


def _revision(desire: Desire, applied: str) -> Json:
    """Tell what was tried from what is in force (S28)."""
    return {
        "attempted": desire.attempted,
        "applied": applied,
        "problems": [str(problem) for problem in desire.problems if refuses(problem)],
        "failure": desire.failure,
    }
