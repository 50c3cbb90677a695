"""The kinds of the language, and which of them are carried out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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

KINDS: Mapping[str, type[Document]] = MappingProxyType(
    {
        "Authorization": Authorization,
        "CatalogSource": CatalogSource,
        "Collection": Collection,
        "CollectionSet": CollectionSet,
        "CustomFact": CustomFact,
        "CustomUpdate": CustomUpdate,
        "DisruptionBudget": DisruptionBudget,
        "DistributionPoint": DistributionPoint,
        "DistributionPointGroup": DistributionPointGroup,
        "Drill": Drill,
        "EmergencyChange": EmergencyChange,
        "Freeze": Freeze,
        "Policy": Policy,
        "Readvertise": Readvertise,
        "Rejection": Rejection,
        "Removal": Removal,
        "Report": Report,
        "Rollout": Rollout,
        "RolloutStrategy": RolloutStrategy,
        "ScanPolicy": ScanPolicy,
        "Site": Site,
        "Subscription": Subscription,
        "UpdateGroup": UpdateGroup,
        "Waiver": Waiver,
    }
)
CARRIED_OUT: frozenset[str] = frozenset(
    {
        "Authorization",
        "CatalogSource",
        "Collection",
        "CollectionSet",
        "CustomFact",
        "CustomUpdate",
        "DisruptionBudget",
        "Drill",
        "EmergencyChange",
        "Freeze",
        "Policy",
        "Readvertise",
        "Rejection",
        "Removal",
        "Rollout",
        "RolloutStrategy",
        "ScanPolicy",
        "Site",
        "UpdateGroup",
        "Waiver",
    }
)
"""Every other kind is checked whole, warned of by `validate` and refused by `apply`."""
