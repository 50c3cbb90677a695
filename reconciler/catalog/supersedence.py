"""Which update replaces which, across reads of a source (S8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.model.updates import CatalogEntry, Update
from reconciler.model.versions import compare_dpkg

_APT = "deb:"


def add_supersedence(
    known: Mapping[str, CatalogEntry], read: Sequence[Update]
) -> tuple[Update, ...]:
    """Have updates also supersede older ones that their archive no longer lists.

    Only ids of the same origin, suite and source package are compared, by dpkg's order.
    """
    before: defaultdict[str, list[Update]] = defaultdict(list)
    for entry in known.values():
        if entry.update.id.startswith(_APT):
            before[_line_of(entry.update.id)].append(entry.update)
    return tuple(_with_older(update, before.get(_line_of(update.id), ())) for update in read)


def _with_older(update: Update, line: Sequence[Update]) -> Update:
    older = {one.id for one in line if compare_dpkg(one.version, update.version) < 0}
    return replace(update, supersedes=tuple(sorted({*update.supersedes, *older})))


def _line_of(update_id: str) -> str:
    """Give the id without its version: all versions of one source package in one suite."""
    return update_id.rpartition("/")[0]
