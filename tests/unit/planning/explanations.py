"""Explaining computers and rollouts of a planner's world."""

from datetime import timedelta

from reconciler.planning.explain.case import Case
from reconciler.planning.explain.computers import explain_computer
from reconciler.planning.explain.rollouts import Asked, explain_rollout
from reconciler.planning.plan import decide
from tests.worlds import SITE, load_desired

POLL = timedelta(seconds=30)
LIFETIME = timedelta(hours=1)


def decisions_of(world):
    """Give what the plan of a world decides."""
    desired = load_desired(*world.manifests, commit=world.commit)
    return decide(desired, world.observed(), SITE, world.now)


def case_of(world, name, statuses=()):
    """Give the case of one computer; `statuses` are newest first."""
    return Case(decisions_of(world), world.computers[name], statuses, LIFETIME, POLL)


def explained(world, name, update=None, statuses=()):
    """Give the explanation of every update of a computer, by its id."""
    found = explain_computer(case_of(world, name, statuses), update)
    return {one.update: one for one in found.updates}


def phase_explained(world, phase, rollout="monthly", release=None):
    """Give the explanation of one phase."""
    decisions = decisions_of(world)
    view = next(one for one in decisions.rollouts if one.name == rollout)

    def find_runs(asked, computers):
        key = f"{asked.first_name}/{asked.number}"
        by_id = {one.id: one for one in world.computers.values()}
        return {one: by_id[one].runs.get(key) for one in computers}

    found = explain_rollout(decisions, view, Asked(release, phase), find_runs)
    return found.phases[0]
