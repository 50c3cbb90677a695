"""Whom the mainline serves: live rollups that hold updates, or what supersedes them (S20, E3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyroaring import BitMap

from reconciler.model.rollouts import ReleasedUpdate
from reconciler.planning.world import RolloutView


def not_covered(
    targeted: BitMap, updates: Iterable[ReleasedUpdate], rollouts: Sequence[RolloutView]
) -> BitMap:
    """Give who is targeted, and for whom some update is in no live rollup that targets them."""
    rollups = [
        rollout
        for rollout in rollouts
        if rollout.group.document.spec.type == "rollup" and not rollout.is_paused
    ]
    left = BitMap()
    for update in updates:
        serving = (one for one in rollups if one.holders_of(update.id) & one.authorized)
        left |= targeted - _targeted_by(serving)
    return left


def _targeted_by(rollouts: Iterable[RolloutView]) -> BitMap:
    members = [
        rollout.world.collections.members(phase.collection)
        for rollout in rollouts
        for phase in rollout.phases
    ]
    return BitMap(BitMap.union(BitMap(), *members))
