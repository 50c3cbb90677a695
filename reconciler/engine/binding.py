"""Whether a commit does what was reviewed, where a policy asks for it (S24)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from reconciler.desired.state import DesiredState, Placed
from reconciler.kinds.policy import Policy
from reconciler.model.codes import Code
from reconciler.model.problems import Location, Problem
from reconciler.model.reviewed import PLAN_TRAILER, ReviewedPlan
from reconciler.observed.state import ObservedState
from reconciler.planning.plan import Decisions, decide
from reconciler.planning.policy_reach import Reach, policy_reaches
from reconciler.planning.review.as_json import reviewed_json
from reconciler.planning.review.binding import Leeway, unlike
from reconciler.planning.review.form import Review
from reconciler.planning.review.make import make_review
from reconciler.planning.review.stages import Stage, stages_of
from reconciler.planning.world import SiteIdentity, World

_MOST_TOLD = 10


@dataclass(frozen=True, slots=True)
class Change:
    """What is in force and what would take its place, and which plans were reviewed."""

    before: DesiredState
    after: DesiredState
    reviewed: tuple[ReviewedPlan, ...]


def check_reviewed(
    change: Change, observed: ObservedState, site: SiteIdentity, now: datetime
) -> Iterator[Problem]:
    """Tell how a change differs from what was reviewed, by more than its policies allow.

    The policies in force bind too, on the computers and changes that they are about without the
    change: one that takes such a policy away, or what it applies to, is to be reviewed.
    """
    sides = (change.after, change.before)
    if not any(_asks(one) for side in sides for one in side.policies.values()):
        return
    base, head = (decide(one, observed, site, now) for one in (change.before, change.after))
    review = make_review(base, head)
    if not (review.documents or review.retirements or review.updates or review.stages):
        return
    stages = _touched(review, base, head)
    told = (
        problem
        for decisions in (head, base)
        for reach in policy_reaches(decisions.world)
        if reach.spec.require_reviewed_plan is not None
        and _is_about(reach, decisions.world, stages)
        for problem in _judge(reach, change, head, review)
    )
    # A policy that stays as it is mostly says the same with and without the change.
    yield from dict.fromkeys(told)


def _asks(policy: Placed[Policy]) -> bool:
    return policy.document.spec.require_reviewed_plan is not None


def _touched(review: Review, *sides: Decisions) -> list[Stage]:
    """Give the releases in phases of which the review tells something, without and with it."""
    keys = {(one.rollout, one.release, one.phase) for one in review.stages}
    return [stage for side in sides for key, stage in stages_of(side).items() if key in keys]


def _is_about(reach: Reach, world: World, stages: Iterable[Stage]) -> bool:
    """A policy without bounds is about everything, also what targets nobody."""
    applies_to = reach.spec.applies_to
    if not (applies_to.collections or applies_to.severities):
        return True
    return any(
        reach.concerns(stage.rollout.name) and reach.within(world, stage.target) for stage in stages
    )


def _judge(reach: Reach, change: Change, head: Decisions, review: Review) -> Iterator[Problem]:
    asked = reach.spec.require_reviewed_plan
    tolerance = asked.tolerance if asked is not None and asked.tolerance else Fraction(0)
    leeway = Leeway(tolerance, _open_rollouts(head))
    told = unlike(change.reviewed, reviewed_json(review), leeway)
    if told:
        more = f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
        message = (
            f'it does not do what was reviewed, as policy "{reach.policy}" asks: '
            f"{'; '.join(told[:_MOST_TOLD])}{more}"
        )
        at = Location(f"commit {change.after.commit[:12]}")
        hint = f"review its plan anew, and commit with the {PLAN_TRAILER} lines of that review"
        yield Problem(at, Code.PLAN_NOT_REVIEWED.value, message, hint)


def _open_rollouts(head: Decisions) -> frozenset[str]:
    """Give the rollouts of groups that approve by themselves what their query finds."""
    return frozenset(view.name for view in head.rollouts if view.group.document.spec.auto_approve)
