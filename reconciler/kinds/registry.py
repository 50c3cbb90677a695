"""The kinds of the language: those that are typed, and those that are not carried out yet."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from reconciler.kinds.authorization import Authorization
from reconciler.kinds.base import Document
from reconciler.kinds.catalog_source import CatalogSource
from reconciler.kinds.collection import Collection
from reconciler.kinds.rejection import Rejection
from reconciler.kinds.rollout import Rollout
from reconciler.kinds.scan_policy import ScanPolicy
from reconciler.kinds.site import Site
from reconciler.kinds.update_group import UpdateGroup

KINDS: Mapping[str, type[Document]] = MappingProxyType(
    {
        "Authorization": Authorization,
        "CatalogSource": CatalogSource,
        "Collection": Collection,
        "Rejection": Rejection,
        "Rollout": Rollout,
        "ScanPolicy": ScanPolicy,
        "Site": Site,
        "UpdateGroup": UpdateGroup,
    }
)
LATER: frozenset[str] = frozenset(
    {
        "CollectionSet",
        "CustomFact",
        "CustomUpdate",
        "DisruptionBudget",
        "DistributionPoint",
        "DistributionPointGroup",
        "Drill",
        "EmergencyChange",
        "Freeze",
        "Policy",
        "Readvertise",
        "Removal",
        "Report",
        "RolloutStrategy",
        "Subscription",
        "Waiver",
    }
)
