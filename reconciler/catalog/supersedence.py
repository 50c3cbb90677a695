"""Which update replaces which, across reads of a source (S8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.catalog.rpm_supersedence import add_rpm_supersedence
from reconciler.model.updates import CatalogEntry, Update
from reconciler.model.versions import compare_dpkg

_APT = "deb:"


def add_supersedence(
    known: Mapping[str, CatalogEntry], read: Sequence[Update]
) -> tuple[Update, ...]:
    """Have updates also supersede older ones that their archive no longer lists.

    Of apt archives only ids of the same origin, suite and source package are compared, by dpkg's
    order; of rpm repositories the packages themselves.
    """
    before: defaultdict[str, list[Update]] = defaultdict(list)
    for entry in known.values():
        if entry.update.id.startswith(_APT):
            before[_line_of(entry.update.id)].append(entry.update)
    made = tuple(_with_older(update, before.get(_line_of(update.id), ())) for update in read)
    if not any(update.has_rpms for update in made):
        return made
    return add_rpm_supersedence(made, (entry.update for entry in known.values()))


def _with_older(update: Update, line: Sequence[Update]) -> Update:
    older = {one.id for one in line if compare_dpkg(one.version, update.version) < 0}
    return replace(update, supersedes=tuple(sorted({*update.supersedes, *older})))


def _line_of(update_id: str) -> str:
    """Give the id without its version: all versions of one source package in one suite."""
    return update_id.rpartition("/")[0]
