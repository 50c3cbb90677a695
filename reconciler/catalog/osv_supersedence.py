"""Which advisory replaces which, as far as the fixed versions alone tell (S8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from reconciler.catalog.ecosystems import Key, order_of
from reconciler.catalog.osv_title import is_stream
from reconciler.model.updates import PackageFix, Update

_MODULAR = ".module"
_Line = tuple[str, str, str]
"""An ecosystem, a package, and the stream of a module or nothing: versions of it compare."""


def add_advisory_supersedence(updates: Sequence[Update]) -> tuple[Update, ...]:
    """Have an advisory supersede those whose every package it fixes too, none in an older version.

    Nothing is told where versions cannot be compared: in ecosystems without a known order, and
    for modular builds of a stream that the advisory does not name.
    """
    spans = [_Fixed(update) for update in updates]
    holders: defaultdict[_Line, list[_Fixed]] = defaultdict(list)
    for one in spans:
        for line in one.lines:
            holders[line].append(one)
    superseded: defaultdict[str, list[str]] = defaultdict(list)
    for older in spans:
        if not older.is_comparable:
            continue
        rarest = min(older.lines, key=lambda line: len(holders[line]))
        for newer in holders[rarest]:
            if newer is not older and newer.covers(older):
                superseded[newer.update.id].append(older.update.id)
    return tuple(
        replace(one, supersedes=tuple(sorted({*one.supersedes, *superseded[one.id]})))
        if superseded[one.id]
        else one
        for one in updates
    )


@dataclass(frozen=True, eq=False)
class _Fixed:
    """An advisory's fixed versions by line: the lowest and the highest of each."""

    update: Update

    @cached_property
    def lines(self) -> Mapping[_Line, tuple[Key, Key]]:
        streams = [one for one in self.update.all_products if is_stream(one)]
        found: defaultdict[_Line, list[Key]] = defaultdict(list)
        for fix in self.update.fixes:
            line, order = _line_of(fix, streams), order_of(fix.ecosystem)
            if line is not None and order is not None:
                found[line].append(order(fix.version))
        return {line: (min(keys), max(keys)) for line, keys in found.items()}

    @property
    def is_comparable(self) -> bool:
        """Whether every fix stands in a line, so that nothing of it is overlooked."""
        streams = [one for one in self.update.all_products if is_stream(one)]
        fixes = self.update.fixes
        return bool(fixes) and all(_line_of(fix, streams) is not None for fix in fixes)

    def covers(self, older: _Fixed) -> bool:
        """Tell whether who has this has all of the other, and something newer."""
        mine, theirs = self.lines, older.lines
        return (
            theirs.keys() <= mine.keys()
            and all(mine[line][0] >= span[1] for line, span in theirs.items())
            and any(mine[line][0] > span[1] for line, span in theirs.items())
        )


def _line_of(fix: PackageFix, streams: Sequence[str]) -> _Line | None:
    if order_of(fix.ecosystem) is None:
        return None
    if _MODULAR not in fix.version:
        return fix.ecosystem, fix.name, ""
    return (fix.ecosystem, fix.name, streams[0]) if len(streams) == 1 else None
