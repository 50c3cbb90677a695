"""What policies for severities are about, which a catalog tells (S24)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from reconciler.desired.policy_scope import Scope, scope_of
from reconciler.desired.state import DesiredState
from reconciler.model.updates import SEVERITY_WORDS, UpdateSeverity
from reconciler.observed.catalog import Catalog
from reconciler.planning.updates import authorized_updates, group_updates

_Change = tuple[str, str]


def severity_scopes(state: DesiredState, catalog: Catalog, now: datetime) -> Iterator[Scope]:
    """Give the scope of each policy that is bound to severities; the state has to be linked.

    It is about a change when at least one of its updates has one of them by now.
    """
    bound = [one for one in state.policies.values() if one.document.spec.applies_to.severities]
    if not bound:
        return
    changes = dict(_severities(state, catalog, now))
    for policy in bound:
        asked = {SEVERITY_WORDS[word] for word in policy.document.spec.applies_to.severities}
        about = frozenset(change for change, found in changes.items() if asked & found)
        yield replace(scope_of(state, policy), changes=about)


def _severities(
    state: DesiredState, catalog: Catalog, now: datetime
) -> Iterator[tuple[_Change, frozenset[UpdateSeverity]]]:
    """Give the severities of the updates of every change, by its kind and name."""
    offered = {name: _authorized(state, name, catalog, now) for name in state.authorizations}
    for name, updates in offered.items():
        yield ("Authorization", name), _of(updates, catalog)
    for name, rollout in state.rollouts.items():
        updates = offered[rollout.document.spec.authorization]
        yield ("Rollout", name), _of(updates, catalog)
    for name, emergency in state.emergency_changes.items():
        yield ("EmergencyChange", name), _of(emergency.document.spec.updates, catalog)
    for name, removal in state.removals.items():
        yield ("Removal", name), _of(removal.document.spec.updates, catalog)
    for name, waiver in state.waivers.items():
        yield ("Waiver", name), _of(waiver.document.spec.updates, catalog)


def _authorized(state: DesiredState, name: str, catalog: Catalog, now: datetime) -> frozenset[str]:
    group = state.update_groups[state.authorizations[name].document.spec.group].document.spec
    files, advisories = authorized_updates(state, name, catalog, group_updates(group, catalog, now))
    return files | advisories


def _of(updates: Iterable[str], catalog: Catalog) -> frozenset[UpdateSeverity]:
    entries = catalog.entries
    return frozenset(entries[one].update.severity for one in updates if one in entries)
