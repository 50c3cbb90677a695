"""Documents by kind and name, and what their references say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.kinds.base import Document
from reconciler.kinds.query import AllOf, AnyOf, CollectionLeaf, Not, Query, UpdateLeaf


@dataclass(frozen=True, slots=True)
class Reference:
    """A field of a document that names another one."""

    source: Placed[Document]
    field: FieldPath
    kind: str
    name: str


def collection_references(state: DesiredState) -> Iterator[Reference]:
    """Give what collections name: include, exclude, limitTo and query leaves."""
    for placed in state.collections.values():
        spec = placed.document.spec
        for field, names in (("include", spec.include), ("exclude", spec.exclude)):
            for number, name in enumerate(names):
                yield Reference(placed, ("spec", field, number), "Collection", name)
        if spec.limit_to is not None:
            yield Reference(placed, ("spec", "limitTo"), "Collection", spec.limit_to)
        if spec.query is not None:
            for field_path, leaf in leaves(spec.query, ("spec", "query")):
                if isinstance(leaf, CollectionLeaf):
                    path = (*field_path, "collection")
                    yield Reference(placed, path, "Collection", leaf.collection)


def other_references(state: DesiredState) -> Iterator[Reference]:
    """Give what all other kinds name."""
    for authorization in state.authorizations.values():
        group = authorization.document.spec.group
        yield Reference(authorization, ("spec", "group"), "UpdateGroup", group)
    for rollout in state.rollouts.values():
        spec = rollout.document.spec
        yield Reference(rollout, ("spec", "authorization"), "Authorization", spec.authorization)
        for number, phase in enumerate(spec.phases):
            field = ("spec", "phases", number, "collection")
            yield Reference(rollout, field, "Collection", phase.collection)
    for policy in state.scan_policies.values():
        scanned = policy.document.spec
        yield Reference(policy, ("spec", "collection"), "Collection", scanned.collection)
        for number, name in enumerate(scanned.sources):
            yield Reference(policy, ("spec", "sources", number), "CatalogSource", name)


def parent_references(state: DesiredState) -> Iterator[Reference]:
    """Give what documents name of their own kind, to come after or stand below."""
    for source in state.catalog_sources.values():
        after = source.document.spec.after
        if after is not None:
            yield Reference(source, ("spec", "after"), "CatalogSource", after)
    for site in state.sites.values():
        parent = site.document.spec.parent
        if parent is not None:
            yield Reference(site, ("spec", "parent"), "Site", parent)


def leaves(query: Query, at: FieldPath) -> Iterator[tuple[FieldPath, Query]]:
    """Give the leaves of a query with their paths."""
    match query:
        case AllOf():
            yield from _parts(query.all_of, (*at, "allOf"))
        case AnyOf():
            yield from _parts(query.any_of, (*at, "anyOf"))
        case Not():
            yield from leaves(query.not_, (*at, "not"))
        case _:
            yield at, query


def _parts(parts: Iterable[Query], at: FieldPath) -> Iterator[tuple[FieldPath, Query]]:
    for number, part in enumerate(parts):
        yield from leaves(part, (*at, number))


def depends_on_updates(state: DesiredState) -> Mapping[str, str]:
    """Give the collections whose members follow from compliance, each with why (S12a)."""
    reasons = {
        name: f'it selects by the state of update "{leaf.update}"'
        for name, placed in state.collections.items()
        if placed.document.spec.query is not None
        for _, leaf in leaves(placed.document.spec.query, ())
        if isinstance(leaf, UpdateLeaf)
    }
    references = [(one.source.name, one.name) for one in collection_references(state)]
    fresh = sorted(reasons)
    while fresh:
        found = {
            source: f'it depends on collection "{name}", which follows from compliance'
            for source, name in references
            if name in fresh and source not in reasons
        }
        reasons |= found
        fresh = sorted(found)
    return reasons
