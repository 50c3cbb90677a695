"""What a policy is about, where a fleet and a catalog are at hand (S24)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyroaring import BitMap, FrozenBitMap

from reconciler.desired.expansion import kind_and_name
from reconciler.desired.policy_scope import scopes
from reconciler.kinds.policy import PolicySpec
from reconciler.planning.severity_scopes import severity_scopes
from reconciler.planning.world import World


@dataclass(frozen=True, slots=True)
class Reach:
    """The changes and the computers of one policy; `changes` is none where all are."""

    policy: str
    spec: PolicySpec
    changes: frozenset[tuple[str, str]] | None

    def concerns(self, rollout: str) -> bool:
        """Tell whether a change has its severities, by the name under which it is remembered."""
        return self.changes is None or kind_and_name(rollout) in self.changes

    def within(self, world: World, who: BitMap | FrozenBitMap) -> BitMap:
        """Give those of some computers that are members of its collections."""
        names = self.spec.applies_to.collections
        if not names:
            return BitMap(who)
        members = (world.collections.members(name) for name in names)
        return BitMap(who & BitMap.union(BitMap(), *members))


def policy_reaches(world: World) -> tuple[Reach, ...]:
    """Give the reach of every policy, by name."""
    ripe = tuple(world.ripe(group) for group in world.desired.update_groups)
    return world.memo.value("policy reaches", ripe, lambda: tuple(_reaches(world)))


def _reaches(world: World) -> Iterator[Reach]:
    bound = severity_scopes(world.desired, world.observed.catalog, world.now)
    found = {scope.policy.name: scope for scope in (*scopes(world.desired), *bound)}
    for name in sorted(found):
        scope = found[name]
        yield Reach(name, scope.policy.document.spec, scope.changes)
