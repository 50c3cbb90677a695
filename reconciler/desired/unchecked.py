"""What a catalog, a snapshot of the fleet or git would have to be asked for (S24)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from reconciler.desired.state import DesiredState
from reconciler.kinds.policy import PolicySpec

_BY_CATALOG = frozenset({"service levels", "policies for severities"})
_BY_FLEET = frozenset({"newly targeted computers", "windows of each computer", "assertions"})
_PARTS: Mapping[str, Callable[[PolicySpec], object]] = MappingProxyType(
    {
        "approvals against signatures": lambda spec: (
            spec.min_approvers is not None and spec.approvers.verified
        ),
        "approvers against authors": lambda spec: spec.approvers.not_author,
        "policies for severities": lambda spec: spec.applies_to.severities,
        "newly targeted computers": lambda spec: spec.max_newly_targeted_per_day,
        "service levels": lambda spec: spec.sla,
        "windows of each computer": lambda spec: spec.require_window,
        "reviewed plans": lambda spec: spec.require_reviewed_plan,
        "assertions": lambda spec: spec.assertions,
    }
)


def unchecked_policies(
    state: DesiredState, *, catalog: bool = False, fleet: bool = False
) -> tuple[str, ...]:
    """Name the demands of policies that manifests, with what is at hand, cannot show to be met."""
    checked = (_BY_CATALOG if catalog else frozenset()) | (_BY_FLEET if fleet else frozenset())
    specs = [placed.document.spec for placed in state.policies.values()]
    return tuple(
        part
        for part, asks in _PARTS.items()
        if part not in checked and any(asks(spec) for spec in specs)
    )
