"""A rename is not a deletion: what is remembered moves to the new name (S23)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from reconciler.desired.expansion import DRILL, EMERGENCY, REMOVAL, ROLLOUT, rollout_name
from reconciler.desired.renames import former_name
from reconciler.desired.state import DesiredState, Placed
from reconciler.kinds.base import Document
from reconciler.model.objects import Package
from reconciler.model.rollouts import Release
from reconciler.observed.memory import TABLES, Memory, Record, key_of
from reconciler.observed.state import ObservedState
from reconciler.planning.actions import Action, Cause, Verb

_AUTHORIZATION = "Authorization"


@dataclass(frozen=True, slots=True)
class _Rename:
    """A document with its former name."""

    placed: Placed[Document]
    old: str

    @property
    def kind(self) -> str:
        return self.placed.document.kind

    def rollouts(self) -> tuple[str, str]:
        """Give the names, before and after, under which a rollout of it is remembered."""
        return rollout_name(self.kind, self.old), rollout_name(self.kind, self.placed.name)


def carry_over(
    desired: DesiredState, observed: ObservedState
) -> tuple[ObservedState, list[Action]]:
    """Give what is remembered under the names of today, and the actions that move it (S23).

    Ids stay, and nothing is retired. Names that other records already have are left alone.
    """
    memory, actions = observed.memory, list[Action]()
    for rename in _renames(desired):
        moves = list(_moves(rename, memory))
        for old, new in moves:
            former = old if key_of(old) != key_of(new) else None
            actions.append(Action(Verb.RENAME, new, _cause(rename), former))
        memory = _with_moves(memory, moves) if moves else memory
    return (replace(observed, memory=memory) if actions else observed), actions


def _renames(desired: DesiredState) -> Iterator[_Rename]:
    for kind in (_AUTHORIZATION, ROLLOUT, EMERGENCY, REMOVAL, DRILL):
        for placed in desired.of_kind(kind).values():
            old = former_name(placed)
            if old is not None:
                yield _Rename(placed, old)


def _moves(rename: _Rename, memory: Memory) -> Iterator[tuple[Record, Record]]:
    """Give each record that has the old name, and what becomes of it."""
    if rename.kind != _AUTHORIZATION and _is_taken(rename, memory):
        return
    for field in TABLES.values():
        table: Mapping[Any, Record] = getattr(memory, field)
        for key in sorted(table):
            moved = _moved(rename, table[key])
            if moved != table[key]:
                yield table[key], moved


def _is_taken(rename: _Rename, memory: Memory) -> bool:
    """Tell whether the new name has releases of its own, not ones that were moved before."""
    old, new = rename.rollouts()
    return any(
        release.rollout == new and old not in release.formerly
        for release in memory.releases.values()
    )


def _moved(rename: _Rename, record: Record) -> Record:
    changes: dict[str, Any] = {}
    old, new = rename.rollouts()
    if rename.kind != _AUTHORIZATION and getattr(record, "rollout", None) == old:
        changes["rollout"] = new
    if isinstance(record, Release) and changes:
        changes["formerly"] = (*record.formerly, old)
    if isinstance(record, Package):
        name = _package_name(rename, record.name)
        changes |= {"name": name} if name != record.name else {}
    owner = getattr(record, "owner", None)
    if owner is not None and (owner.kind, owner.name) == (rename.kind, rename.old):
        changes["owner"] = replace(owner, name=rename.placed.name)
    moved: Record = replace(record, **changes) if changes else record
    return moved


def _package_name(rename: _Rename, name: str) -> str:
    """A package is named after its authorization; those of a change begin with its own name."""
    if rename.kind == ROLLOUT:
        return name
    if rename.kind == _AUTHORIZATION:
        return rename.placed.name if name == rename.old else name
    old, new = rename.rollouts()
    return new + name.removeprefix(old) if name == old or name.startswith(f"{old}/") else name


def _with_moves(memory: Memory, moves: Sequence[tuple[Record, Record]]) -> Memory:
    tables: dict[str, dict[Any, Record]] = {}
    for old, new in moves:
        field = TABLES[type(old)]
        table = tables.setdefault(field, dict(getattr(memory, field)))
        table.pop(key_of(old), None)
        table[key_of(new)] = new
    frozen: dict[str, Any] = {name: MappingProxyType(table) for name, table in tables.items()}
    return replace(memory, **frozen)


def _cause(rename: _Rename) -> Cause:
    placed = rename.placed
    at = placed.locate(("metadata", "annotations"))
    because = f'it was named "{rename.old}" before'
    return Cause(rename.kind, placed.name, at, placed.changed_in, "S23", because)
