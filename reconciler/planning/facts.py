"""Facts that computers lack where something other than a collection asks for them (S5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyroaring import BitMap, FrozenBitMap

from reconciler.planning.budgets import WHOLE
from reconciler.planning.conditions import ConditionType
from reconciler.planning.draft import Draft
from reconciler.planning.world import RolloutView, World


def tell_missing_facts(world: World, rollouts: Sequence[RolloutView], draft: Draft) -> None:
    """Say of each budget how many of its computers lack the fact that parts them."""
    for subject, fact, members in (*_of_budgets(world), *_of_rollouts(rollouts, draft)):
        column = world.observed.fleet.facts.get(fact) if fact not in WHOLE else None
        lacking = members if column is None else members - column.present
        if fact not in WHOLE and lacking:
            message = f"{len(lacking)} lack fact {fact!r}"
            draft.tell(subject, ConditionType.FACT_MISSING, message)


def _of_budgets(world: World) -> Iterator[tuple[str, str, FrozenBitMap]]:
    for name, placed in world.desired.disruption_budgets.items():
        spec = placed.document.spec
        yield f"DisruptionBudget/{name}", spec.per, world.collections.guarded(spec.collection)


def _of_rollouts(
    rollouts: Sequence[RolloutView], draft: Draft
) -> Iterator[tuple[str, str, FrozenBitMap]]:
    for rollout in rollouts:
        budget = rollout.placed.document.spec.budget
        if budget is not None:
            mine = [one.members for key, one in draft.memberships.items() if key[0] == rollout.name]
            yield rollout.subject, budget.per, FrozenBitMap(BitMap.union(BitMap(), *mine))
