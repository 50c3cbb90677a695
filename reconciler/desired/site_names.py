"""What settings of the fleet name: sources, sites, points, budgets, freezes, policies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from reconciler.desired.change_names import point_references
from reconciler.desired.naming import Reference, name_each, name_one, query_references
from reconciler.desired.state import DesiredState


def site_references(state: DesiredState) -> Iterator[Reference]:
    """Give what everything names that holds for longer than one change."""
    yield from _sources(state)
    yield from _points(state)
    yield from _bounds(state)
    for custom in state.custom_updates.values():
        at = ("spec", "appliesTo", "query")
        yield from query_references(custom, custom.document.spec.applies_to.query, at)
    for fact in state.custom_facts.values():
        yield from name_one(fact, "collection", "Collection", fact.document.spec.collection)
    for placed in chain(state.disruption_budgets.values(), state.drills.values()):
        yield from name_one(placed, "collection", "Collection", placed.document.spec.collection)


def _sources(state: DesiredState) -> Iterator[Reference]:
    for source in state.catalog_sources.values():
        yield from name_one(source, "after", "CatalogSource", source.document.spec.after)
    for scanning in state.scan_policies.values():
        spec = scanning.document.spec
        yield from name_one(scanning, "collection", "Collection", spec.collection)
        yield from name_each(scanning, ("spec", "sources"), "CatalogSource", spec.sources)


def _points(state: DesiredState) -> Iterator[Reference]:
    for site in state.sites.values():
        yield from name_one(site, "parent", "Site", site.document.spec.parent)
    for point in state.distribution_points.values():
        yield from name_one(point, "site", "Site", point.document.spec.site)
    for group in state.distribution_point_groups.values():
        names = group.document.spec.points
        yield from point_references(state, group, ("spec", "points"), names)


def _bounds(state: DesiredState) -> Iterator[Reference]:
    for freeze in state.freezes.values():
        frozen = freeze.document.spec.collections
        yield from name_each(freeze, ("spec", "collections"), "Collection", frozen)
    for policy in state.policies.values():
        spec = policy.document.spec
        scope = ("spec", "appliesTo", "collections")
        yield from name_each(policy, scope, "Collection", spec.applies_to.collections)
        yield from name_each(policy, ("spec", "firstPhaseIn"), "Collection", spec.first_phase_in)
