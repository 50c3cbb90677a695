"""Whether every reference leads somewhere, and none leads back to itself (S5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.desired.change_names import change_references
from reconciler.desired.naming import Reference, collection_references, fact_references
from reconciler.desired.site_names import site_references
from reconciler.desired.state import DesiredState
from reconciler.desired.words import word_for, words_for
from reconciler.model.codes import Code
from reconciler.model.hints import Hints
from reconciler.model.problems import Problem

# Where a name may be that of a document of another kind too.
_ALSO = {"DistributionPoint": "DistributionPointGroup"}


def check_references(
    state: DesiredState, broken: frozenset[tuple[str, str]], made: frozenset[str] | None
) -> Iterator[Problem]:
    """Tell of names that no document has, and of cycles (S5).

    `broken` are the documents that exist but are not whole: naming one is no fault of its own.
    `made` are the collections that tables make, or nothing where a table could not be read.
    """
    references = [
        *collection_references(state),
        *change_references(state),
        *site_references(state),
    ]
    yield from _dangling(references, state, broken, made)
    yield from _cycles([*references, *fact_references(state)])


def _dangling(
    references: Iterable[Reference],
    state: DesiredState,
    broken: frozenset[tuple[str, str]],
    made: frozenset[str] | None,
) -> Iterator[Problem]:
    hints = Hints()
    unsure = frozenset({"Collection"} if made is None else ())
    # A set of many names is made once, not for each reference.
    known: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
    for one in references:
        if one.kind not in known:
            kinds = frozenset({one.kind, _ALSO.get(one.kind, one.kind)})
            known[one.kind] = kinds, _names(state, kinds, made or frozenset())
        kinds, names = known[one.kind]
        if one.name in names or kinds & unsure or any((kind, one.name) in broken for kind in kinds):
            continue
        source = f'{word_for(one.source.document.kind)} "{one.source.name}"'
        message = f'{source} names {word_for(one.kind)} "{one.name}", which no document defines'
        at = one.source.locate(one.field)
        hint = hints.closest(one.kind, one.name, names)
        yield Problem(at, Code.DANGLING_REFERENCE.value, message, hint)


def _names(state: DesiredState, kinds: frozenset[str], made: frozenset[str]) -> frozenset[str]:
    found = frozenset(name for kind in kinds for name in state.of_kind(kind))
    return found | made if "Collection" in kinds else found


def _cycles(references: Iterable[Reference]) -> Iterator[Problem]:
    """Tell of each cycle once, where its alphabetically first document goes on."""
    onward: dict[tuple[str, str], list[Reference]] = {}
    for one in references:
        onward.setdefault((one.source.document.kind, one.source.name), []).append(one)
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
    kinds = {one.kind for one in turned}
    what = words_for(kinds.pop()) if len(kinds) == 1 else "documents"
    message = f"{what} refer to each other in a circle: {way}"
    at = turned[0].source.locate(turned[0].field)
    return Problem(at, Code.REFERENCE_CYCLE.value, message, "take one of the references out")
