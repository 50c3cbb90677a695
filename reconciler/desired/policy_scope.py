"""What a policy is about, as far as manifests tell (S24)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.desired.state import DesiredState, Placed
from reconciler.kinds.base import Document
from reconciler.kinds.collection import Collection
from reconciler.kinds.emergency_change import EmergencyChange
from reconciler.kinds.policy import Policy


@dataclass(frozen=True, slots=True)
class Scope:
    """The collections that share computers with those of a policy; `everywhere` has no bounds.

    A collection does so where one includes the other or is limited to it. Others may share
    computers too, which only a snapshot of the fleet can tell. `changes` are the kinds and names
    of the documents whose updates have one of its severities; none where it has no severities.
    """

    policy: Placed[Policy]
    everywhere: bool
    collections: frozenset[str]
    changes: frozenset[tuple[str, str]] | None = None

    def holds(self, collection: str) -> bool:
        """Tell whether the policy is about the collection."""
        return self.everywhere or collection in self.collections

    def concerns(self, change: Placed[Document], collections: Iterable[str]) -> bool:
        """Tell whether the policy is about a change, and about one of its collections."""
        if self.changes is not None and (change.document.kind, change.name) not in self.changes:
            return False
        return self.everywhere or any(name in self.collections for name in collections)


def scopes(state: DesiredState) -> Iterator[Scope]:
    """Give the scope of each policy that is not bound to severities, which a catalog tells."""
    for policy in state.policies.values():
        if not policy.document.spec.applies_to.severities:
            yield scope_of(state, policy)


def scope_of(state: DesiredState, policy: Placed[Policy]) -> Scope:
    """Give the collections that a policy is about, whatever the severity."""
    named = policy.document.spec.applies_to.collections
    related = _related(named, state.collections)
    return Scope(policy, everywhere=not named, collections=related)


def emergency_collections(change: EmergencyChange) -> tuple[str, ...]:
    """Give the collections that an emergency is for."""
    spec = change.spec
    production = (one if isinstance(one, str) else one.collection for one in spec.production)
    return (spec.reference, *production)


def _related(
    named: tuple[str, ...], collections: Mapping[str, Placed[Collection]]
) -> frozenset[str]:
    """Give the collections within the named ones, and those around them."""
    parts: dict[str, set[str]] = {}
    wholes: dict[str, set[str]] = {}
    for name, placed in collections.items():
        spec = placed.document.spec
        for part in spec.include:
            parts.setdefault(name, set()).add(part)
            wholes.setdefault(part, set()).add(name)
        if spec.limit_to is not None:
            parts.setdefault(spec.limit_to, set()).add(name)
    return _reached(named, parts) | _reached(named, wholes)


def _reached(start: tuple[str, ...], onward: Mapping[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    fresh = list(start)
    while fresh:
        name = fresh.pop()
        if name not in found:
            found.add(name)
            fresh.extend(onward.get(name, ()))
    return frozenset(found)
