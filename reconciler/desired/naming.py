"""What documents name: every reference with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.kinds.base import Document
from reconciler.kinds.collection import CollectionSpec
from reconciler.kinds.query import AllOf, AnyOf, CollectionLeaf, FactLeaf, Not, Query, UpdateLeaf

_QUERY: FieldPath = ("spec", "query")


@dataclass(frozen=True, slots=True)
class Reference:
    """A field of a document that names another one."""

    source: Placed[Document]
    field: FieldPath
    kind: str
    name: str


def name_each(
    placed: Placed[Document], field: FieldPath, kind: str, names: Iterable[str | None]
) -> Iterator[Reference]:
    """Give a reference for each name of a list."""
    for number, name in enumerate(names):
        if name is not None:
            yield Reference(placed, (*field, number), kind, name)


def name_one(
    placed: Placed[Document], field: str, kind: str, name: str | None
) -> Iterator[Reference]:
    """Give the reference of a field of `spec`, unless it names nothing."""
    if name is not None:
        yield Reference(placed, ("spec", field), kind, name)


def collection_references(state: DesiredState) -> Iterator[Reference]:
    """Give what collections name: include, exclude, limitTo and query leaves."""
    for placed in state.collections.values():
        spec = placed.document.spec
        yield from name_each(placed, ("spec", "include"), "Collection", spec.include)
        yield from name_each(placed, ("spec", "exclude"), "Collection", spec.exclude)
        yield from name_one(placed, "limitTo", "Collection", spec.limit_to)
        if spec.query is not None:
            yield from query_references(placed, spec.query, _QUERY)


def collection_names(spec: CollectionSpec) -> Iterator[str]:
    """Give the collections that a collection names, some maybe twice."""
    yield from (*spec.include, *spec.exclude)
    if spec.limit_to is not None:
        yield spec.limit_to
    for _, leaf in leaves(spec.query, _QUERY) if spec.query is not None else ():
        if isinstance(leaf, CollectionLeaf):
            yield leaf.collection


def fact_names(spec: CollectionSpec) -> frozenset[str]:
    """Give the facts that a collection selects by."""
    found = leaves(spec.query, _QUERY) if spec.query is not None else ()
    return frozenset(leaf.fact for _, leaf in found if isinstance(leaf, FactLeaf))


def query_references(placed: Placed[Document], query: Query, at: FieldPath) -> Iterator[Reference]:
    """Give the collections that a query names."""
    for field, leaf in leaves(query, at):
        if isinstance(leaf, CollectionLeaf):
            yield Reference(placed, (*field, "collection"), "Collection", leaf.collection)


def fact_references(state: DesiredState) -> Iterator[Reference]:
    """Give the custom facts by which collections select, by the names of their documents."""
    documents = {one.document.spec.name: name for name, one in state.custom_facts.items()}
    for placed in state.collections.values():
        query = placed.document.spec.query
        for field, leaf in leaves(query, _QUERY) if query is not None else ():
            if isinstance(leaf, FactLeaf) and leaf.fact in documents:
                yield Reference(placed, (*field, "fact"), "CustomFact", documents[leaf.fact])


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
