"""The review of a change: the decisions with it against the decisions without it."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.observed.memory import PhaseKey
from reconciler.planning.plan import Decisions
from reconciler.planning.review.content import content_changes
from reconciler.planning.review.documents import (
    collection_changes,
    document_changes,
    governed,
    renamed,
)
from reconciler.planning.review.form import Review
from reconciler.planning.review.stages import Stage, stages_of
from reconciler.planning.review.targeting import (
    Sides,
    retirements,
    stage_changes,
    totals,
    update_changes,
)
from reconciler.planning.review.timing import stage_deadline, unserved


def make_review(base: Decisions, head: Decisions) -> Review:
    """Tell what `head` does beyond `base`; both are of one observed state and one instant."""
    desired = head.world.desired
    names = renamed(base.world.desired, desired)
    sides = Sides(base, head, _under(names, stages_of(base)), stages_of(head))
    stages = tuple(stage_changes(sides))
    live = [sides.after[one.rollout, one.release, one.phase] for one in stages if one.after]
    told, known = head.plan.conditions, base.plan.conditions
    return Review(
        base=base.plan.commit,
        head=head.plan.commit,
        now=head.plan.now,
        enforce=head.plan.guidance.enforce,
        totals=totals(sides),
        documents=tuple(document_changes(base.world.desired, desired)),
        retirements=tuple(retirements(sides)),
        stages=stages,
        updates=tuple(update_changes(sides)),
        content=tuple(content_changes(base, head)),
        deadlines=tuple(one for stage in live if (one := stage_deadline(stage)) is not None),
        unserved=tuple(one for stage in live for one in unserved(stage)),
        collections=tuple(collection_changes(base.world, head.world)),
        conditions=tuple(one for one in told if one not in known),
        relieved=tuple(one for one in known if one not in told),
        policies=tuple(governed(desired)),
    )


def _under(names: Mapping[str, str], stages: Mapping[PhaseKey, Stage]) -> dict[PhaseKey, Stage]:
    """Put stages under the names that their rollouts have with the change."""
    return {
        (names.get(rollout, rollout), number, phase): stage
        for (rollout, number, phase), stage in stages.items()
    }
