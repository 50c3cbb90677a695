"""Which updates a group holds, and which an authorization offers (S8, S9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from reconciler.desired.expansion import is_removal
from reconciler.desired.state import DesiredState
from reconciler.kinds.update_group import UpdateGroupSpec, UpdateQuery
from reconciler.model.rollouts import ReleasedUpdate
from reconciler.model.updates import SEVERITY_WORDS, CatalogEntry, UpdateSeverity
from reconciler.observed.catalog import Catalog
from reconciler.planning.conditions import Condition, ConditionType

_SEVERITY = re.compile(r"(>=|<=|>|<|=)?([a-z]+)")


def group_updates(
    spec: UpdateGroupSpec,
    catalog: Catalog,
    now: datetime,
    folded: frozenset[str] = frozenset(),
) -> frozenset[str]:
    """Give (updates + query) - exclude, of those that the catalog knows (S9).

    `folded` are updates of emergencies, which are members as if they were named (S21).
    """
    chosen = {update for update in {*spec.updates, *folded} if update in catalog.entries}
    if spec.query is not None:
        chosen.update(entry.update.id for entry in _matching(spec.query, catalog, now))
    return frozenset(chosen.difference(spec.exclude))


def ripening(spec: UpdateGroupSpec, catalog: Catalog) -> tuple[datetime, ...]:
    """Give the instants at which `minAge` lets an update in: between two of them none comes."""
    if spec.query is None or spec.query.min_age is None:
        return ()
    age = spec.query.min_age
    return tuple(sorted({_released_at(entry) + age for entry in catalog.entries.values()}))


def unknown_updates(name: str, spec: UpdateGroupSpec, catalog: Catalog) -> tuple[Condition, ...]:
    """Tell which named updates the catalog lacks."""
    lacking = sorted(set(spec.updates) - set(catalog.entries))
    return tuple(
        Condition(
            f"UpdateGroup/{name}", ConditionType.UNKNOWN_UPDATE, f"the catalog has no {update!r}"
        )
        for update in lacking
    )


def severity_conditions(
    name: str, spec: UpdateGroupSpec, catalog: Catalog, now: datetime
) -> tuple[Condition, ...]:
    """Tell that a group asks updates for a severity which their source does not tell."""
    if spec.query is None or spec.query.severity is None:
        return ()
    otherwise = _matching(spec.query.model_copy(update={"severity": None}), catalog, now)
    if not any(entry.update.severity is UpdateSeverity.UNSET for entry in otherwise):
        return ()
    message = "its query asks for a severity, and some updates that fit otherwise have none"
    return (Condition(f"UpdateGroup/{name}", ConditionType.SEVERITY_MISSING, message),)


def authorized_updates(
    desired: DesiredState, authorization: str, catalog: Catalog, chosen: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """Give what git authorizes of a group's updates: without except, only, rejections (S8).

    Updates that the catalog's source withdrew are left out. An update that is out of this set
    is out of all releases for good (S12); one that a later update supersedes stays in it. The
    second set are advisories: authorized too, but without files there is nothing to offer.
    Of a removal it is what cannot be removed (I4); rejected and withdrawn updates are removed.
    """
    if is_removal(authorization):
        removable = frozenset(one for one in chosen if catalog.entries[one].update.removable)
        return removable, chosen - removable
    is_out = exclusion(desired, authorization)
    live = {one for one in chosen if not (is_out(one) or catalog.entries[one].withdrawn)}
    offered = frozenset(one for one in live if catalog.entries[one].update.has_files)
    return offered, frozenset(live - offered)


def exclusion(desired: DesiredState, authorization: str) -> Callable[[str], bool]:
    """Give the test of whether git takes an update out by name, whatever the catalog says of it.

    A rejection keeps updates from coming, not from going.
    """
    if is_removal(authorization):
        return lambda _: False
    spec = desired.authorizations[authorization].document.spec
    rejections = (one.document.spec.updates for one in desired.rejections.values())
    group = desired.update_groups[spec.group].document.spec
    out = frozenset(spec.except_).union(group.exclude, *rejections)
    only = None if spec.only is None else frozenset(spec.only)
    return lambda update: update in out or (only is not None and update not in only)


def released(updates: frozenset[str], catalog: Catalog) -> tuple[ReleasedUpdate, ...]:
    """Give the updates in their present revision, in order of their ids."""
    return tuple(
        ReleasedUpdate(update, catalog.entries[update].revision) for update in sorted(updates)
    )


def parse_severity_bound(text: str) -> tuple[str, UpdateSeverity]:
    """Read `>=important` or `critical` as a sign and a rank; raises ValueError."""
    match = _SEVERITY.fullmatch(text)
    if match is None or match.group(2) not in SEVERITY_WORDS:
        message = f"{text!r} is not a severity: write >=important or critical"
        raise ValueError(message)
    return match.group(1) or "=", SEVERITY_WORDS[match.group(2)]


def _matching(query: UpdateQuery, catalog: Catalog, now: datetime) -> Iterator[CatalogEntry]:
    """Give the entries that every field of the query accepts; values of a field are ORed."""
    classes, releases = frozenset(query.classification), frozenset(query.release)
    cves = frozenset(query.cves)
    for entry in catalog.of_products(query.product):
        update = entry.update
        if (
            (not classes or update.classification in classes)
            and (not releases or not releases.isdisjoint(update.release))
            and (not cves or not cves.isdisjoint(update.cves))
            and (query.severity is None or is_in_bound(query.severity, update.severity))
            and _is_in_span(query, entry, now)
        ):
            yield entry


def is_in_bound(bound: str, severity: UpdateSeverity) -> bool:
    """Tell whether a severity is within a bound such as `>=important`; raises ValueError."""
    sign, rank = parse_severity_bound(bound)
    return {
        ">=": severity >= rank,
        ">": severity > rank,
        "=": severity == rank,
        "<=": severity <= rank,
        "<": severity < rank,
    }[sign]


def _is_in_span(query: UpdateQuery, entry: CatalogEntry, now: datetime) -> bool:
    """Judge by the release date; an update without one counts from when it was first seen."""
    released_at = _released_at(entry)
    if query.min_age is not None and now - released_at < query.min_age:
        return False
    if query.released is None:
        return True
    after, before = query.released.after, query.released.before
    return (after is None or released_at >= after) and (before is None or released_at < before)


def _released_at(entry: CatalogEntry) -> datetime:
    return entry.update.released_at or entry.first_seen_at
