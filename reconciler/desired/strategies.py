"""Rollouts together with the defaults of their strategies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.kinds.base import Document, outside_name
from reconciler.kinds.rollout import Rollout
from reconciler.kinds.rollout_strategy import RolloutStrategy, RolloutStrategySpec
from reconciler.model.codes import Code
from reconciler.model.problems import Location, Problem

Strategies = Mapping[str, Placed[RolloutStrategy]]
_INHERITED = tuple(name for name in RolloutStrategySpec.model_fields if name != "strategy")


def merge_strategies(state: DesiredState) -> dict[str, Placed[Rollout]]:
    """Give each rollout with what its strategies say in its place.

    A strategy's default applies field by field of `spec`, never deeper: what a rollout writes,
    it writes whole.
    """
    return {name: _merge(one, state.rollout_strategies) for name, one in state.rollouts.items()}


def check_merged(
    state: DesiredState, merged: Mapping[str, Placed[Rollout]], broken: frozenset[tuple[str, str]]
) -> Iterator[Problem]:
    """Tell of rollouts that have no phases, not even from a strategy."""
    known = state.rollout_strategies.keys()
    for placed in merged.values():
        spec = placed.document.spec
        if spec.phases or spec.strategy not in known or _leads_nowhere(spec.strategy, state):
            continue
        if not any(kind == "RolloutStrategy" for kind, _ in broken):
            message = f'strategy "{spec.strategy}" has no phases, and the rollout has none either'
            at = placed.locate(("spec", "strategy"))
            hint = "write phases in one of the two"
            yield Problem(at, Code.PHASES_MISSING.value, message, hint)


def _leads_nowhere(name: str, state: DesiredState) -> bool:
    """Tell whether the last strategy of the chain names one that does not exist."""
    last = _chain(name, state.rollout_strategies)[-1]
    further = last.document.spec.strategy
    return further is not None and further not in state.rollout_strategies


def _chain(name: str | None, strategies: Strategies) -> list[Placed[RolloutStrategy]]:
    """Give the strategy and those that it names itself, nearest first; a circle ends."""
    found: dict[str, Placed[RolloutStrategy]] = {}
    while name is not None and name in strategies and name not in found:
        found[name] = strategies[name]
        name = strategies[name].document.spec.strategy
    return list(found.values())


def _merge(placed: Placed[Rollout], strategies: Strategies) -> Placed[Rollout]:
    spec = placed.document.spec
    chain = _chain(spec.strategy, strategies)
    origins: dict[str, Placed[RolloutStrategy]] = {}
    for name in _INHERITED:
        if name in spec.model_fields_set:
            continue
        origin = next((one for one in chain if name in one.document.spec.model_fields_set), None)
        if origin is not None:
            origins[name] = origin
    if not origins:
        return placed
    taken = {name: getattr(origin.document.spec, name) for name, origin in origins.items()}
    document = placed.document.model_copy(update={"spec": spec.model_copy(update=taken)})
    by_field = {outside_name(name): origin for name, origin in origins.items()}

    def locate(field: FieldPath) -> Location:
        owner: Placed[Document] = placed
        if len(field) > 1:
            owner = by_field.get(str(field[1]), placed)
        return owner.locate(field)

    return Placed(document, placed.at, placed.changed_in, locate)
