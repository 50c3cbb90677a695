"""What a change does to manifests, to who is in collections, and which policies judge it."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.desired.expansion import EMERGENCY, REMOVAL, ROLLOUT, rollout_name
from reconciler.desired.renames import former_name
from reconciler.desired.state import BY_KIND, DesiredState, Placed
from reconciler.kinds.base import Document
from reconciler.model.canonical import Json, digest_of
from reconciler.planning.review.form import CollectionChange, DocumentChange, Fate, Governed
from reconciler.planning.world import World

_ROLLED_OUT = (ROLLOUT, EMERGENCY, REMOVAL)


def document_changes(base: DesiredState, head: DesiredState) -> Iterator[DocumentChange]:
    """Tell what is added, changed and removed, by kind and name."""
    for kind in sorted(BY_KIND):
        before, after = base.of_kind(kind), head.of_kind(kind)
        for name in sorted(before.keys() | after.keys()):
            if "/" in name:  # made of a change of its own, which is told itself
                continue
            old, new = before.get(name), after.get(name)
            if new is None:
                yield DocumentChange(Fate.REMOVED, kind, name, "")
            elif old is None or old.document != new.document:
                fate = Fate.ADDED if old is None else Fate.CHANGED
                yield DocumentChange(fate, kind, name, _digest(new))


def renamed(base: DesiredState, head: DesiredState) -> dict[str, str]:
    """Give the names of today of what the change renames and rollouts are known by (S23)."""
    found: dict[str, str] = {}
    for kind in _ROLLED_OUT:
        before, after = base.of_kind(kind), head.of_kind(kind)
        for placed in after.values():
            old = former_name(placed)
            if old is not None and old in before and old not in after:
                found[rollout_name(kind, old)] = rollout_name(kind, placed.name)
    return found


def collection_changes(base: World, head: World) -> Iterator[CollectionChange]:
    """Tell who comes and goes, of the computers that are enrolled."""
    before, after = base.desired.collections, head.desired.collections
    for name in sorted(before.keys() | after.keys()):
        old, new = (
            world.collections.members(name) & world.observed.fleet.enrolled
            if name in world.desired.collections
            else None
            for world in (base, head)
        )
        joined = len(new - old if old is not None else new) if new is not None else 0
        left = len(old - new if new is not None else old) if old is not None else 0
        if joined or left:
            yield CollectionChange(name, joined, left)


def governed(head: DesiredState) -> Iterator[Governed]:
    """Tell what each policy demands, in the words of its manifest."""
    for name, placed in head.policies.items():
        spec = _plain(placed)["spec"]
        spec.pop("appliesTo", None)
        yield Governed(name, tuple(sorted(_demand(field, spec[field]) for field in spec)))


def _demand(field: str, value: Json) -> str:
    if isinstance(value, dict):
        return f"{field} " + ", ".join(f"{one} {_word(value[one])}" for one in sorted(value))
    return f"{field} {_word(value)}"


def _word(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)


def _digest(placed: Placed[Document]) -> str:
    return digest_of(_plain(placed))


def _plain(placed: Placed[Document]) -> Json:
    return placed.document.model_dump(mode="json", by_alias=True, exclude_defaults=True)
