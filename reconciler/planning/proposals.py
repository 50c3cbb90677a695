"""Which updates of a catalog nobody has decided on yet (C1, C4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.desired.state import DesiredState
from reconciler.model.updates import CatalogEntry, Update, UpdateSeverity, UpdateState
from reconciler.observed.catalog import Catalog
from reconciler.observed.fleet import Fleet
from reconciler.planning.updates import authorized_updates, group_updates, is_in_bound


@dataclass(frozen=True, slots=True)
class Candidate:
    """An update that is new; `missing` are the computers that lack it, None without a site."""

    update: Update
    new_at: datetime
    missing: int | None


@dataclass(frozen=True, slots=True)
class Candidates:
    """The new updates, the worst first, and how many others there are.

    These are advisories that have no files to offer, and updates of which no severity is known.
    """

    found: tuple[Candidate, ...]
    without_files: int
    unrated: int


@dataclass(frozen=True, slots=True)
class Look:
    """What counts as new: since when, and of which severity (`>=important`)."""

    since: datetime
    severity: str
    now: datetime


def find_candidates(
    desired: DesiredState, catalog: Catalog, fleet: Fleet | None, look: Look
) -> Candidates:
    """Give updates that came or were revised since then and that no manifest decides on.

    Decided is what an authorization that has not ended holds, an emergency, a rejection, or an
    authorization's `except`. What another candidate replaces is left out.
    """
    decided = _decided(desired, catalog, look.now)
    recent = {
        name: entry
        for name, entry in catalog.entries.items()
        if name not in decided and not entry.withdrawn and _new_at(entry) >= look.since
    }
    fresh = {
        name: entry
        for name, entry in recent.items()
        if is_in_bound(look.severity, entry.update.severity)
    }
    offered = {name for name, entry in fresh.items() if entry.update.has_files}
    live = {name for name in offered if catalog.replacers(name).isdisjoint(offered | decided)}
    found = [_candidate(fresh[name], fleet) for name in live]
    found.sort(key=lambda one: (-one.update.severity, -(one.missing or 0), one.update.id))
    unrated = [
        name
        for name in recent.keys() - fresh.keys()
        if recent[name].update.severity is UpdateSeverity.UNSET and recent[name].update.has_files
    ]
    return Candidates(tuple(found), len(fresh) - len(offered), len(unrated))


def _decided(desired: DesiredState, catalog: Catalog, now: datetime) -> set[str]:
    decided: set[str] = set()
    for name, placed in desired.authorizations.items():
        spec = placed.document.spec
        if spec.until is not None and spec.until <= now:
            continue
        group = desired.update_groups[spec.group].document.spec
        held = authorized_updates(desired, name, catalog, group_updates(group, catalog, now))
        decided.update(*held, spec.except_)
    for emergency in desired.emergency_changes.values():
        decided.update(emergency.document.spec.updates)
    for rejection in desired.rejections.values():
        decided.update(rejection.document.spec.updates)
    return decided


def _candidate(entry: CatalogEntry, fleet: Fleet | None) -> Candidate:
    missing = None
    if fleet is not None:
        lacking = fleet.in_state(UpdateState.MISSING, entry.update.id)
        missing = len(lacking & fleet.enrolled)
    return Candidate(entry.update, _new_at(entry), missing)


def _new_at(entry: CatalogEntry) -> datetime:
    told = (entry.first_seen_at, entry.update.released_at, entry.update.modified_at)
    return max(one for one in told if one is not None)
