"""The order in which the decisions of one plan are made, until none follows from another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.desired.expansion import is_held
from reconciler.observed.memory import RolloutRecord, key_of
from reconciler.planning.actions import Verb
from reconciler.planning.draft import Draft
from reconciler.planning.drills import advance_drills
from reconciler.planning.emergencies import (
    advance_emergencies,
    remember_scanners,
    retire_ended,
    tell_emergencies,
)
from reconciler.planning.halts import lift_relieved, resume
from reconciler.planning.phases import (
    advance_release,
    end_removed,
    observe_release,
    retire_served,
)
from reconciler.planning.releases import decide_releases
from reconciler.planning.standalone import retire_folded
from reconciler.planning.world import RolloutView, World

_MOST_ROUNDS = 1000


def forget_ended(world: World, draft: Draft) -> None:
    """Forget rollouts that left git: only a complete read of it says so (S16, S29)."""
    if not world.observed.fresh or world.guard.withholds:
        return
    tables: tuple[tuple[Verb, Iterable[RolloutRecord]], ...] = (
        (Verb.FORGET_TARGETS, draft.memberships.values()),
        (Verb.FORGET_PHASE, draft.phases.values()),
        (Verb.FORGET_TOKEN, draft.tokens.values()),
        (Verb.FORGET_RERUN, draft.reruns.values()),
        (Verb.FORGET_RELEASE, draft.releases.values()),
        (Verb.FORGET_EMERGENCY, draft.emergencies.values()),
        (Verb.FORGET_DRILL, draft.drills.values()),
    )
    for verb, records in tables:
        gone = [record for record in records if not is_held(world.desired, record.rollout)]
        for record in sorted(gone, key=key_of):
            draft.act(verb, record, world.left_git(record.rollout, "S16"))


def settle(world: World, draft: Draft) -> Sequence[RolloutView]:
    """Decide emergencies and releases, then all halts, then phases, until nothing changes (S13).

    Gives the rollouts as they are then.
    """
    for _ in range(_MOST_ROUNDS):
        draft.begin_round()
        rollouts = world.rollouts(draft.emergencies.values())
        advance_emergencies(rollouts, draft)
        remember_scanners(rollouts, draft)
        for rollout in rollouts:
            decide_releases(rollout, draft)
            resume(rollout, draft)
            retire_ended(rollout, draft)
        for rollout in rollouts:
            _observe(rollout, draft)
        for rollout in rollouts:
            _advance(rollout, draft)
        for rollout in rollouts:
            retire_folded(rollout, rollouts, draft)
        tell_emergencies(rollouts, draft)
        advance_drills(world, draft)
        if not draft.has_moved:
            return rollouts
    message = "the decisions of one plan do not settle"
    raise AssertionError(message)


def _observe(rollout: RolloutView, draft: Draft) -> None:
    for release in draft.releases_of(rollout.name):
        lift_relieved(rollout, release, draft)
    end_removed(rollout, draft)
    for release in draft.live_releases(rollout.name):
        observe_release(rollout, release, draft)


def _advance(rollout: RolloutView, draft: Draft) -> None:
    for release in draft.live_releases(rollout.name):
        retire_served(rollout, release, draft)
    for release in draft.live_releases(rollout.name):
        advance_release(rollout, release, draft)
