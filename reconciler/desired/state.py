"""The desired state: documents linked by name, each with its place in git."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from types import MappingProxyType
from typing import Generic, TypeVar

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
from reconciler.model.approvals import Approvals
from reconciler.model.gathering import Untold
from reconciler.model.grants import Grant
from reconciler.model.problems import Location, Problem

D_co = TypeVar("D_co", bound=Document, covariant=True)
FieldPath = tuple[str | int, ...]
"""Names as manifests write them, and numbers from 0: `("spec", "phases", 0, "deadline")`."""


@dataclass(frozen=True, slots=True)
class Placed(Generic[D_co]):
    """A document with its place.

    `locate` gives the place of a field's value, or of what is nearest to it where the field is
    not written; `changed_in` is the commit that the document is known to stand in.
    """

    document: D_co
    at: Location
    changed_in: str
    locate: Callable[[FieldPath], Location] = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """The document's own name."""
        return self.document.metadata.name


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a table."""

    text: str
    at: Location


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a CSV file that are not empty, the head among them."""

    path: str
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read of a commit: the documents that are whole, and every problem found.

    `broken` are the kinds and names of documents that are not whole; `tables` the CSV files
    that documents name, by path; `untold` how many problems there are beside those given;
    `unread` are the files of which some document, whatever its name, could not be read;
    `approvals` what git proves of files, where git was asked.
    """

    commit: str
    documents: tuple[Placed[Document], ...]
    problems: tuple[Problem, ...]
    broken: frozenset[tuple[str, str]] = frozenset()
    tables: Mapping[str, Table] = field(default_factory=dict)
    untold: Untold = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    approvals: Mapping[str, Approvals] | None = None


@dataclass(frozen=True, slots=True)
class DesiredState:
    """All documents of one valid commit, by name and sorted by it.

    `grants` stand in the commits since the one that was applied last; `approvals` are what git
    proves of files, where git was asked.
    """

    commit: str
    authorizations: Mapping[str, Placed[Authorization]]
    catalog_sources: Mapping[str, Placed[CatalogSource]]
    collections: Mapping[str, Placed[Collection]]
    collection_sets: Mapping[str, Placed[CollectionSet]]
    custom_facts: Mapping[str, Placed[CustomFact]]
    custom_updates: Mapping[str, Placed[CustomUpdate]]
    disruption_budgets: Mapping[str, Placed[DisruptionBudget]]
    distribution_points: Mapping[str, Placed[DistributionPoint]]
    distribution_point_groups: Mapping[str, Placed[DistributionPointGroup]]
    drills: Mapping[str, Placed[Drill]]
    emergency_changes: Mapping[str, Placed[EmergencyChange]]
    freezes: Mapping[str, Placed[Freeze]]
    policies: Mapping[str, Placed[Policy]]
    readvertises: Mapping[str, Placed[Readvertise]]
    rejections: Mapping[str, Placed[Rejection]]
    removals: Mapping[str, Placed[Removal]]
    reports: Mapping[str, Placed[Report]]
    rollouts: Mapping[str, Placed[Rollout]]
    rollout_strategies: Mapping[str, Placed[RolloutStrategy]]
    scan_policies: Mapping[str, Placed[ScanPolicy]]
    sites: Mapping[str, Placed[Site]]
    subscriptions: Mapping[str, Placed[Subscription]]
    update_groups: Mapping[str, Placed[UpdateGroup]]
    waivers: Mapping[str, Placed[Waiver]]
    tables: Mapping[str, Table] = field(default_factory=dict)
    grants: tuple[Grant, ...] = ()
    approvals: Mapping[str, Approvals] | None = None

    def of_kind(self, kind: str) -> Mapping[str, Placed[Document]]:
        """Give the documents of a kind, by name."""
        return BY_KIND[kind](self)


BY_KIND: Mapping[str, Callable[[DesiredState], Mapping[str, Placed[Document]]]] = MappingProxyType(
    {
        "Authorization": attrgetter("authorizations"),
        "CatalogSource": attrgetter("catalog_sources"),
        "Collection": attrgetter("collections"),
        "CollectionSet": attrgetter("collection_sets"),
        "CustomFact": attrgetter("custom_facts"),
        "CustomUpdate": attrgetter("custom_updates"),
        "DisruptionBudget": attrgetter("disruption_budgets"),
        "DistributionPoint": attrgetter("distribution_points"),
        "DistributionPointGroup": attrgetter("distribution_point_groups"),
        "Drill": attrgetter("drills"),
        "EmergencyChange": attrgetter("emergency_changes"),
        "Freeze": attrgetter("freezes"),
        "Policy": attrgetter("policies"),
        "Readvertise": attrgetter("readvertises"),
        "Rejection": attrgetter("rejections"),
        "Removal": attrgetter("removals"),
        "Report": attrgetter("reports"),
        "Rollout": attrgetter("rollouts"),
        "RolloutStrategy": attrgetter("rollout_strategies"),
        "ScanPolicy": attrgetter("scan_policies"),
        "Site": attrgetter("sites"),
        "Subscription": attrgetter("subscriptions"),
        "UpdateGroup": attrgetter("update_groups"),
        "Waiver": attrgetter("waivers"),
    }
)
