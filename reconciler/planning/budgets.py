"""Within which sets of computers how many may be disrupted at once (S19)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from pyroaring import BitMap, FrozenBitMap

from reconciler.kinds.rollout_settings import Concurrent
from reconciler.model.permits import Permit
from reconciler.model.rollouts import Passage
from reconciler.observed.cohorts import Bits
from reconciler.observed.columns import instant
from reconciler.observed.fleet import Fleet
from reconciler.planning.conditions import ConditionType
from reconciler.planning.draft import Draft
from reconciler.planning.guidance import BudgetDomain
from reconciler.planning.permits import is_silent
from reconciler.planning.world import RolloutView, World

WHOLE = frozenset({"all", "site"})
_MOST_NAMED = 3


def budget_domains(
    world: World, rollouts: Sequence[RolloutView], draft: Draft
) -> tuple[BudgetDomain, ...]:
    """Give the domains of every budget: of git's own ones, and of rollouts for what they offer."""
    return (*_written(world), *_of_rollouts(world, rollouts, draft))


def tell_exhausted(world: World, domains: Iterable[BudgetDomain], draft: Draft) -> None:
    """`BudgetExhausted`: all permits of a domain are with failed or silent ones, who are named."""
    for domain in domains:
        holders = [one for one in world.observed.permits if one.ordinal in domain.members]
        stuck = [one for one in holders if one.failed or _is_silent(world, one)]
        if len({one.ordinal for one in stuck}) < domain.limit or len(stuck) < len(holders):
            continue
        names = sorted({one.name for one in stuck})
        more = ", …" if len(names) > _MOST_NAMED else ""
        message = (
            f"all {domain.limit} permit(s) of {domain.value} are with computers that failed or"
            f" fell silent: {', '.join(names[:_MOST_NAMED])}{more}"
        )
        draft.tell(domain.budget, ConditionType.BUDGET_EXHAUSTED, message)


def _written(world: World) -> Iterator[BudgetDomain]:
    for name, placed in world.desired.disruption_budgets.items():
        spec = placed.document.spec
        members = world.collections.guarded(spec.collection)
        for value, part in _parts(world.observed.fleet, members, spec.per):
            limit = _limit(spec.concurrent, len(part))
            yield BudgetDomain(f"DisruptionBudget/{name}", value, part, limit)


def _of_rollouts(
    world: World, rollouts: Sequence[RolloutView], draft: Draft
) -> Iterator[BudgetDomain]:
    for rollout in rollouts:
        budget = rollout.placed.document.spec.budget
        if budget is None or rollout.has_ended:
            continue
        for key, record in sorted(draft.phases.items()):
            membership = draft.memberships.get(key)
            is_over = record.retired or record.passage is Passage.SKIPPED
            if key[0] != rollout.name or is_over or membership is None:
                continue
            subject = f"{rollout.subject}/{record.release}/{record.phase}"
            for value, part in _parts(world.observed.fleet, membership.members, budget.per):
                limit = _limit(budget.concurrent, len(part))
                yield BudgetDomain(subject, value, part, limit, key)


def _parts(fleet: Fleet, members: Bits, per: str) -> Iterator[tuple[str, FrozenBitMap]]:
    """Split computers by their value of `per`; those without it form one part."""
    if per in WHOLE:
        if members:
            yield per, FrozenBitMap(members)
        return
    column = fleet.facts.get(per)
    rest = BitMap(members)
    for value, who in column.parts() if column is not None else ():
        part = who & members
        if part:
            rest -= part
            yield f"{per}={value}", FrozenBitMap(part)
    if rest:
        yield f"no {per}", FrozenBitMap(rest)


def _limit(concurrent: Concurrent, size: int) -> int:
    """A count, or a share of the part, rounded up; at least one."""
    if isinstance(concurrent, Fraction):
        return max(1, math.ceil(concurrent * size))
    return int(concurrent)


def _is_silent(world: World, permit: Permit) -> bool:
    heard = world.observed.fleet.last_contact_at[permit.ordinal]
    return is_silent(permit, instant(heard) if heard > 0 else None, world.now)
