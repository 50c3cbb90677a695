"""Which update of rpm packages replaces which (S8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from reconciler.model.updates import Update
from reconciler.model.versions import RpmKey, rpm_key

_Line = tuple[str, str, str, str]
"""Release, name, architecture and module stream: versions of it compare."""


def add_rpm_supersedence(
    read: Sequence[Update], known: Iterable[Update] = ()
) -> tuple[Update, ...]:
    """Have an update supersede those whose every package it brings too, none of them older.

    `known` are updates of earlier reads, which only can be superseded.
    """
    newer = [_Brought(update) for update in read if update.has_rpms]
    listed = {one.update.id for one in newer}
    older = [_Brought(one) for one in known if one.has_rpms and one.id not in listed]
    holders: defaultdict[_Line, list[_Brought]] = defaultdict(list)
    for one in newer:
        for line in one.lines:
            holders[line].append(one)
    superseded: defaultdict[str, set[str]] = defaultdict(set)
    for one in [*newer, *older]:
        rarest = min(one.lines, key=lambda line: len(holders[line]))
        for other in holders[rarest]:
            if other is not one and other.covers(one):
                superseded[other.update.id].add(one.update.id)
    return tuple(
        replace(one, supersedes=tuple(sorted({*one.supersedes, *superseded[one.id]})))
        if one.id in superseded
        else one
        for one in read
    )


@dataclass(frozen=True, eq=False)
class _Brought:
    """The version that an update brings in each line; of two the newer one."""

    update: Update

    @cached_property
    def lines(self) -> Mapping[_Line, RpmKey]:
        found: dict[_Line, RpmKey] = {}
        for release in self.update.release:
            for file in self.update.packages:
                line = release, file.name, file.architecture, file.module
                found[line] = max(rpm_key(file.version), found.get(line, rpm_key("0-0")))
        return found

    def covers(self, older: _Brought) -> bool:
        mine, theirs = self.lines, older.lines
        return (
            theirs.keys() <= mine.keys()
            and all(mine[line] >= key for line, key in theirs.items())
            and any(mine[line] > key for line, key in theirs.items())
        )
