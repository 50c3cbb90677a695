"""What changes name: authorizations, rollouts, removals, emergencies, waivers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from reconciler.desired.naming import Reference, name_each, name_one
from reconciler.desired.phased import (
    Phased,
    phased_others,
    phased_rollouts,
    phased_strategies,
)
from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.kinds.base import Document
from reconciler.kinds.rollout import Rollout
from reconciler.kinds.rollout_settings import Content
from reconciler.kinds.rollout_strategy import RolloutStrategy


def change_references(state: DesiredState) -> Iterator[Reference]:
    """Give what everything names that brings updates to computers, or keeps them away."""
    for authorization in state.authorizations.values():
        group = authorization.document.spec.group
        yield from name_one(authorization, "group", "UpdateGroup", group)
    for rollout in state.rollouts.values():
        named = rollout.document.spec.authorization
        yield from name_one(rollout, "authorization", "Authorization", named)
        yield from _strategy(state, rollout)
    for strategy in state.rollout_strategies.values():
        yield from _strategy(state, strategy)
    lists = (phased_rollouts(state.rollouts), phased_others(state), phased_strategies(state))
    for phased in chain(*lists):
        yield from _phases(state, phased)
    for again in state.readvertises.values():
        yield from name_one(again, "rollout", "Rollout", again.document.spec.rollout)
    for waiver in state.waivers.values():
        collection = waiver.document.spec.collection
        yield from name_one(waiver, "collection", "Collection", collection)
    yield from _emergencies(state)


def _strategy(
    state: DesiredState, placed: Placed[Rollout] | Placed[RolloutStrategy]
) -> Iterator[Reference]:
    spec = placed.document.spec
    yield from name_one(placed, "strategy", "RolloutStrategy", spec.strategy)
    yield from _points(state, placed, ("spec",), spec.content)


def _phases(state: DesiredState, phased: Phased) -> Iterator[Reference]:
    for number, phase in enumerate(phased.phases):
        field = phased.path(number, "collection")
        yield Reference(phased.placed, field, "Collection", phase.collection)
        yield from _points(state, phased.placed, phased.path(number), phase.content)


def _points(
    state: DesiredState, placed: Placed[Document], at: FieldPath, content: Content | None
) -> Iterator[Reference]:
    if content is not None:
        yield from point_references(state, placed, (*at, "content", "points"), content.points)


def point_references(
    state: DesiredState, placed: Placed[Document], at: FieldPath, names: tuple[str, ...]
) -> Iterator[Reference]:
    """Give the points that are named; a name may also be that of a group."""
    groups = state.distribution_point_groups
    for number, name in enumerate(names):
        kind = "DistributionPointGroup" if name in groups else "DistributionPoint"
        yield Reference(placed, (*at, number), kind, name)


def _emergencies(state: DesiredState) -> Iterator[Reference]:
    for change in state.emergency_changes.values():
        spec = change.document.spec
        yield from name_one(change, "reference", "Collection", spec.reference)
        yield from name_one(change, "foldInto", "UpdateGroup", spec.fold_into)
        yield from name_each(change, ("spec", "media"), "Site", spec.media)
        names = [one if isinstance(one, str) else None for one in spec.production]
        yield from name_each(change, ("spec", "production"), "Collection", names)
