"""Documents to the desired state: all checks that need more than one field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import TypeVar

from reconciler.desired.change_checks import check_changes
from reconciler.desired.custom import check_removals
from reconciler.desired.document_checks import check_documents
from reconciler.desired.lasting_checks import check_lasting
from reconciler.desired.policy_checks import check_policies
from reconciler.desired.references import check_references
from reconciler.desired.renames import check_renames
from reconciler.desired.rollout_checks import check_rollouts
from reconciler.desired.state import DesiredState, Loaded, Placed
from reconciler.desired.strategies import check_merged, merge_strategies
from reconciler.desired.table_checks import check_tables, table_collections
from reconciler.desired.table_collections import with_table_collections
from reconciler.desired.window_checks import check_room, check_windows
from reconciler.kinds.authorization import Authorization
from reconciler.kinds.base import Document
from reconciler.kinds.catalog_source import CatalogSource
from reconciler.kinds.collection import Collection
from reconciler.kinds.collection_set import CollectionSet
from reconciler.kinds.custom_fact import CustomFact
from reconciler.kinds.custom_update import CustomUpdate
from reconciler.kinds.disruption_budget import DisruptionBudget
from reconciler.kinds.distribution_point import DistributionPoint
from reconciler.kinds.distribution_point_group import DistributionPointGroup
from reconciler.kinds.drill import Drill
from reconciler.kinds.emergency_change import EmergencyChange
from reconciler.kinds.freeze import Freeze
from reconciler.kinds.policy import Policy
from reconciler.kinds.readvertise import Readvertise
from reconciler.kinds.rejection import Rejection
from reconciler.kinds.removal import Removal
from reconciler.kinds.report import Report
from reconciler.kinds.rollout import Rollout
from reconciler.kinds.rollout_strategy import RolloutStrategy
from reconciler.kinds.scan_policy import ScanPolicy
from reconciler.kinds.site import Site
from reconciler.kinds.subscription import Subscription
from reconciler.kinds.update_group import UpdateGroup
from reconciler.kinds.waiver import Waiver
from reconciler.model.codes import Code
from reconciler.model.gathering import Gathered
from reconciler.model.problems import Location, Problem, Severity

D = TypeVar("D", bound=Document)
_FOLLOWERS = frozenset(
    {
        Code.DANGLING_REFERENCE.value,
        Code.PHASES_MISSING.value,
        Code.WINDOW_REQUIRED.value,
        Code.NOT_REMOVABLE.value,
    }
)


def link(
    loaded: Loaded,
    now: datetime,
    check: Callable[[DesiredState], Iterable[Problem]] = lambda _: (),
) -> tuple[DesiredState | None, tuple[Problem, ...]]:
    """Link a commit's documents by name.

    Gives the desired state unless a problem is an error, and every problem, those of the
    loading included, sorted. `now` decides only what is told as over; `check` is
    asked too, of what manifests alone cannot tell.
    """
    state = _gather(loaded)
    rollouts = merge_strategies(state)
    made = table_collections(state, loaded.broken)
    faults = tuple(check_tables(state, now))
    sound = all(not fault.is_error for fault in faults)
    whole = with_table_collections(state) if sound else state
    gathered = Gathered()
    gathered.extend(loaded.problems, loaded.untold)
    found = chain(
        check(state),
        check_references(state, loaded.broken, made),
        check_documents(state, now),
        faults,
        check_lasting(state, now),
        check_removals(state),
        check_renames(whole),
        check_changes(state, rollouts, now),
        check_merged(state, rollouts, loaded.broken),
        check_rollouts(state, rollouts),
        check_windows(state, now),
        check_room(whole, rollouts, now),
        check_policies(whole, rollouts, now),
    )
    gathered.extend(_without_followers(found, loaded.unread))
    told = gathered.told()
    refused = any(problem.is_error for problem in told)
    linked = replace(whole, rollouts=MappingProxyType(rollouts))
    return (None if refused else linked), told


def _without_followers(found: Iterable[Problem], unread: Sequence[str]) -> Iterator[Problem]:
    """Leave out what may follow only from documents that were not read, and say so once."""
    left = 0
    for problem in found:
        if unread and problem.code in _FOLLOWERS:
            left += 1
        else:
            yield problem
    if left:
        message = (
            f"{left:,} problem(s) with names that no document defines are not told: this file,"
            " which could not be read, may define them"
        )
        at = Location(unread[0])
        yield Problem(at, Code.NOT_CHECKED.value, message, severity=Severity.NOTE)


def _gather(loaded: Loaded) -> DesiredState:
    documents = loaded.documents
    return DesiredState(
        commit=loaded.commit,
        authorizations=_by_name(documents, Authorization),
        catalog_sources=_by_name(documents, CatalogSource),
        collections=_by_name(documents, Collection),
        collection_sets=_by_name(documents, CollectionSet),
        custom_facts=_by_name(documents, CustomFact),
        custom_updates=_by_name(documents, CustomUpdate),
        disruption_budgets=_by_name(documents, DisruptionBudget),
        distribution_points=_by_name(documents, DistributionPoint),
        distribution_point_groups=_by_name(documents, DistributionPointGroup),
        drills=_by_name(documents, Drill),
        emergency_changes=_by_name(documents, EmergencyChange),
        freezes=_by_name(documents, Freeze),
        policies=_by_name(documents, Policy),
        readvertises=_by_name(documents, Readvertise),
        rejections=_by_name(documents, Rejection),
        removals=_by_name(documents, Removal),
        reports=_by_name(documents, Report),
        rollouts=_by_name(documents, Rollout),
        rollout_strategies=_by_name(documents, RolloutStrategy),
        scan_policies=_by_name(documents, ScanPolicy),
        sites=_by_name(documents, Site),
        subscriptions=_by_name(documents, Subscription),
        update_groups=_by_name(documents, UpdateGroup),
        waivers=_by_name(documents, Waiver),
        tables=loaded.tables,
        approvals=loaded.approvals,
    )


def _by_name(documents: Iterable[Placed[Document]], kind: type[D]) -> Mapping[str, Placed[D]]:
    """Give the documents of a kind, sorted; of two with one name the first, which is told."""
    found: dict[str, Placed[D]] = {}
    for placed in documents:
        document = placed.document
        if isinstance(document, kind):
            typed = Placed(document, placed.at, placed.changed_in, placed.locate)
            found.setdefault(typed.name, typed)
    return MappingProxyType(dict(sorted(found.items())))
