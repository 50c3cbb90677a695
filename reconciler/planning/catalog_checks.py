"""What manifests say of updates, against a catalog (S9)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.desired.custom import custom_updates
from reconciler.desired.naming import leaves
from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.kinds.base import Document
from reconciler.kinds.query import UpdateLeaf
from reconciler.kinds.update_group import UpdateGroup
from reconciler.model.codes import Code
from reconciler.model.hints import Hints
from reconciler.model.problems import Problem, Severity
from reconciler.model.updates import UpdateSeverity
from reconciler.observed.catalog import Catalog
from reconciler.planning.updates import group_updates

_Named = tuple[Placed[Document], FieldPath, str]


def check_updates(
    state: DesiredState, catalog: Catalog, unread: frozenset[str], now: datetime
) -> Iterator[Problem]:
    """Tell of names that the catalog lacks, and of severity queries that see none (S9).

    A name that should bring an update is an error, one that should keep one away a warning: it
    may be there before the update is. `unread` are ids that a broken record stands for. What git
    itself defines comes into the catalog with its commit.
    """
    known = catalog.entries.keys() | unread | {one.id for one in custom_updates(state)}
    hints = Hints()
    for level, named in ((Severity.ERROR, _wanted(state)), (Severity.WARNING, _unwanted(state))):
        for placed, field, update in named:
            if update not in known:
                hint = hints.closest("update", update, catalog.entries)
                yield _unknown(placed, field, update, hint, level)
    for group in state.update_groups.values():
        yield from _unset(group, catalog, now)


def _wanted(state: DesiredState) -> Iterator[_Named]:
    for group in state.update_groups.values():
        yield from _each(group, ("spec", "updates"), group.document.spec.updates)
    for authorization in state.authorizations.values():
        yield from _each(authorization, ("spec", "only"), authorization.document.spec.only or ())
    for emergency in state.emergency_changes.values():
        yield from _each(emergency, ("spec", "updates"), emergency.document.spec.updates)
    for removal in state.removals.values():
        yield from _each(removal, ("spec", "updates"), removal.document.spec.updates)


def _unwanted(state: DesiredState) -> Iterator[_Named]:
    for group in state.update_groups.values():
        yield from _each(group, ("spec", "exclude"), group.document.spec.exclude)
    for authorization in state.authorizations.values():
        yield from _each(authorization, ("spec", "except"), authorization.document.spec.except_)
    for rejection in state.rejections.values():
        yield from _each(rejection, ("spec", "updates"), rejection.document.spec.updates)
    for waiver in state.waivers.values():
        yield from _each(waiver, ("spec", "updates"), waiver.document.spec.updates)
    for collection in state.collections.values():
        query = collection.document.spec.query
        for field, leaf in leaves(query, ("spec", "query")) if query is not None else ():
            if isinstance(leaf, UpdateLeaf):
                yield collection, (*field, "update"), leaf.update


def _each(placed: Placed[Document], field: FieldPath, updates: tuple[str, ...]) -> Iterator[_Named]:
    for number, update in enumerate(updates):
        yield placed, (*field, number), update


def _unknown(
    placed: Placed[Document], field: FieldPath, update: str, hint: str, level: Severity
) -> Problem:
    hint = hint or "patchwright catalog list shows what there is"
    message = f"the catalog has no update {update!r:.120}"
    return Problem(placed.locate(field), Code.NO_SUCH_UPDATE.value, message, hint, level)


def _unset(group: Placed[UpdateGroup], catalog: Catalog, now: datetime) -> Iterator[Problem]:
    """A severity query passes over, or takes in, what tells no severity as if it were none."""
    spec = group.document.spec
    if spec.query is None or spec.query.severity is None:
        return
    open_query = spec.query.model_copy(update={"severity": None})
    asked = spec.model_copy(update={"query": open_query, "updates": ()})
    seen = group_updates(asked, catalog, now)
    unset = [one for one in seen if catalog.entries[one].update.severity is UpdateSeverity.UNSET]
    if unset:
        message = f"{len(unset)} of {len(seen)} updates that it looks at have no severity"
        hint = "they count as none: name them, query them by classification, or read advisories"
        at = group.locate(("spec", "query", "severity"))
        yield Problem(at, Code.SEVERITY_UNSET.value, message, hint, Severity.WARNING)
