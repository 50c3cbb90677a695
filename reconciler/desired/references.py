"""Whether every reference leads somewhere, and none leads back to itself (S5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.desired.naming import (
    Reference,
    collection_references,
    other_references,
    parent_references,
)
from reconciler.desired.state import DesiredState
from reconciler.model.codes import Code
from reconciler.model.hints import did_you_mean
from reconciler.model.problems import Problem

_WORDS = {
    "Authorization": "authorization",
    "CatalogSource": "catalog source",
    "Collection": "collection",
    "Rollout": "rollout",
    "ScanPolicy": "scan policy",
    "Site": "site",
    "UpdateGroup": "update group",
}


def check_references(state: DesiredState, broken: frozenset[tuple[str, str]]) -> Iterator[Problem]:
    """Tell of names that no document has, and of cycles (S5).

    `broken` are the documents that exist but are not whole: naming one is no fault of its own.
    """
    same_kind = [*collection_references(state), *parent_references(state)]
    yield from _dangling([*same_kind, *other_references(state)], state, broken)
    yield from _cycles(same_kind)


def _dangling(
    references: Iterable[Reference], state: DesiredState, broken: frozenset[tuple[str, str]]
) -> Iterator[Problem]:
    known = _names(state)
    for one in references:
        if one.name in known[one.kind] or (one.kind, one.name) in broken:
            continue
        source = f'{_WORDS[one.source.document.kind]} "{one.source.name}"'
        message = f'{source} names {_WORDS[one.kind]} "{one.name}", which no document defines'
        hint = did_you_mean(one.name, known[one.kind])
        at = one.source.locate(one.field)
        yield Problem(at, Code.DANGLING_REFERENCE.value, message, hint)


def _names(state: DesiredState) -> Mapping[str, frozenset[str]]:
    return {
        "Authorization": frozenset(state.authorizations),
        "CatalogSource": frozenset(state.catalog_sources),
        "Collection": frozenset(state.collections),
        "Site": frozenset(state.sites),
        "UpdateGroup": frozenset(state.update_groups),
    }


def _cycles(references: Iterable[Reference]) -> Iterator[Problem]:
    """Tell of each cycle once, where its alphabetically first document goes on."""
    onward: dict[tuple[str, str], list[Reference]] = {}
    for one in references:
        onward.setdefault((one.kind, one.source.name), []).append(one)
    settled: set[tuple[str, str]] = set()
    for start in sorted(onward):
        cycle = _cycle_from(start, onward, settled)
        if cycle:
            yield _describe(cycle)


def _cycle_from(
    start: tuple[str, str],
    onward: Mapping[tuple[str, str], list[Reference]],
    settled: set[tuple[str, str]],
) -> list[Reference]:
    """Search in depth without recursion; whatever was left behind is settled."""
    trail: list[Reference] = []
    places = {start: 0}
    pending = [iter(onward.get(start, ()))]
    while pending and start not in settled:
        step = next(pending[-1], None)
        if step is None:
            pending.pop()
            node = (trail[-1].kind, trail[-1].name) if trail else start
            settled.add(node)
            places.pop(node)
            if trail:
                trail.pop()
            continue
        node = (step.kind, step.name)
        if node in places:
            settled.update(places)
            return [*trail[places[node] :], step]
        if node not in settled:
            trail.append(step)
            places[node] = len(trail)
            pending.append(iter(onward.get(node, ())))
    return []


def _describe(cycle: list[Reference]) -> Problem:
    first = min(range(len(cycle)), key=lambda number: cycle[number].source.name)
    turned = cycle[first:] + cycle[:first]
    names = [turned[0].source.name, *(one.name for one in turned)]
    way = " → ".join(f'"{name}"' for name in names)
    message = f"{_WORDS[turned[0].kind]}s refer to each other in a circle: {way}"
    at = turned[0].source.locate(turned[0].field)
    return Problem(at, Code.REFERENCE_CYCLE.value, message, "take one of the references out")
