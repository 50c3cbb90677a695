"""What passes through phases: rollouts, removals, emergencies, and strategies for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.kinds.base import Document
from reconciler.kinds.phase import Phase
from reconciler.kinds.rollout import Rollout


@dataclass(frozen=True, slots=True)
class Phased:
    """A document's phases: `field` leads to their list; `gated` tells that gates are required."""

    placed: Placed[Document]
    field: FieldPath
    phases: tuple[Phase, ...]
    local: bool = False
    gated: bool = True

    def path(self, number: int, *field: str | int) -> FieldPath:
        """Give the path of a field of the numbered phase."""
        return (*self.field, number, *field)


def phased_rollouts(rollouts: Mapping[str, Placed[Rollout]]) -> Iterator[Phased]:
    """Give the phases of rollouts."""
    for placed in rollouts.values():
        spec = placed.document.spec
        yield Phased(placed, _PHASES, spec.phases, local=spec.time_basis == "local")


def phased_others(state: DesiredState) -> Iterator[Phased]:
    """Give the phases of removals and of emergencies that list phases."""
    for removal in state.removals.values():
        yield Phased(removal, _PHASES, removal.document.spec.phases)
    for change in state.emergency_changes.values():
        production = change.document.spec.production
        phases = tuple(one for one in production if isinstance(one, Phase))
        yield Phased(change, ("spec", "production"), phases, gated=False)


def phased_strategies(state: DesiredState) -> Iterator[Phased]:
    """Give the phases of strategies, of which each rollout may be read on another clock."""
    for placed in state.rollout_strategies.values():
        spec = placed.document.spec
        local = spec.time_basis == "local"
        yield Phased(placed, _PHASES, spec.phases, local=local)


_PHASES: FieldPath = ("spec", "phases")
