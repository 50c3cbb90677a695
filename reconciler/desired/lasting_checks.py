"""Faults of logic in what holds for longer than one change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.desired.naming import leaves
from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.desired.window_checks import check_occurrence
from reconciler.kinds.base import Document
from reconciler.kinds.freeze import Freeze
from reconciler.kinds.query import FactLeaf, Query
from reconciler.model.codes import Code
from reconciler.model.problems import Problem, Severity
from reconciler.model.times import render_instant


def check_lasting(state: DesiredState, now: datetime) -> Iterator[Problem]:
    """Tell what freezes, facts, updates and points of one's own cannot mean."""
    for freeze in state.freezes.values():
        yield from _freeze(freeze, now)
    yield from _fact_names(state)
    yield from _fact_types(state)
    yield from _exit_codes(state)
    yield from _content_paths(state)
    yield from _points_and_groups(state)


def _freeze(placed: Placed[Freeze], now: datetime) -> Iterator[Problem]:
    """A freeze that is over is a warning, since time alone refuses nothing (S28)."""
    spec = placed.document.spec
    window = spec.window
    if window is not None:
        at = placed.locate(("spec", "recurrence"))
        yield from check_occurrence(at, f'freeze "{placed.name}"', window, now)
    if spec.from_ is None or spec.until is None:
        return
    at = placed.locate(("spec", "until"))
    if spec.until <= spec.from_:
        message = f'freeze "{placed.name}" ends before it begins'
        yield Problem(at, Code.ENDS_BEFORE_IT_BEGINS.value, message)
    elif spec.until <= now:
        message = f'freeze "{placed.name}" is over since {render_instant(spec.until)}'
        hint = "delete it"
        yield Problem(at, Code.FREEZE_ENDED.value, message, hint, Severity.WARNING)


def _fact_names(state: DesiredState) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for placed in state.custom_facts.values():
        name = placed.document.spec.name
        owner = first.setdefault(name, placed.name)
        if owner != placed.name:
            message = f'the fact "{name}" is already found out by custom fact "{owner}"'
            at = placed.locate(("spec", "name"))
            yield Problem(at, Code.DUPLICATE_FACT.value, message, "rename one of them")


_FITTING: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "version": (str,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
}
_ORDERED = frozenset({"Lt", "Le", "Gt", "Ge"})
_OF_TEXT = frozenset({"VersionLt", "VersionLe", "VersionGt", "VersionGe", "Matches"})


def _fact_types(state: DesiredState) -> Iterator[Problem]:
    """Values must be of the type that is declared for a fact (S5)."""
    types = {one.document.spec.name: one.document.spec.type for one in state.custom_facts.values()}
    if not types:
        return
    queries: list[tuple[Placed[Document], FieldPath, Query]] = [
        *(
            (one, ("spec", "query"), one.document.spec.query)
            for one in state.collections.values()
            if one.document.spec.query is not None
        ),
        *(
            (one, ("spec", "appliesTo", "query"), one.document.spec.applies_to.query)
            for one in state.custom_updates.values()
        ),
    ]
    for placed, at, query in queries:
        for field, leaf in leaves(query, at):
            if isinstance(leaf, FactLeaf) and leaf.fact in types:
                yield from _leaf(placed, field, leaf, types[leaf.fact])


def _leaf(
    placed: Placed[Document], field: FieldPath, leaf: FactLeaf, declared: str
) -> Iterator[Problem]:
    is_text = declared in {"text", "version"}
    wrong_operator = (leaf.op in _OF_TEXT and not is_text) or (
        leaf.op in _ORDERED and declared not in {"integer", "number"}
    )
    if wrong_operator:
        message = f'{leaf.op} does not fit the fact "{leaf.fact}", which is declared as {declared}'
        at = placed.locate((*field, "op"))
        yield Problem(at, Code.FACT_TYPE.value, message, "use an operator for its type")
        return
    for number, value in enumerate(leaf.values):
        fits = isinstance(value, _FITTING[declared])
        if not fits or (declared != "boolean" and isinstance(value, bool)):
            message = f'the fact "{leaf.fact}" is declared as {declared}, and {value!r:.80} is not'
            at = placed.locate((*field, "values", number))
            hint = "quote text, and leave numbers and booleans plain"
            yield Problem(at, Code.FACT_TYPE.value, message, hint)


def _exit_codes(state: DesiredState) -> Iterator[Problem]:
    for placed in state.custom_updates.values():
        spec = placed.document.spec
        for number, code in enumerate(spec.restart):
            if code in spec.success:
                message = f"exit code {code} means done, both with and without a restart"
                at = placed.locate(("spec", "restart", number))
                hint = "keep it in success or in restart"
                yield Problem(at, Code.AMBIGUOUS_EXIT_CODE.value, message, hint)


def _content_paths(state: DesiredState) -> Iterator[Problem]:
    for placed in state.custom_updates.values():
        seen: set[str] = set()
        for number, one in enumerate(placed.document.spec.content):
            if one.path in seen:
                message = f"the file {one.path!r:.80} stands twice"
                at = placed.locate(("spec", "content", number, "path"))
                yield Problem(at, Code.DUPLICATE_CONTENT.value, message, "keep one of them")
            seen.add(one.path)


def _points_and_groups(state: DesiredState) -> Iterator[Problem]:
    """Points and groups are named in the same places, so a name may stand for one only."""
    for name in sorted(state.distribution_points.keys() & state.distribution_point_groups):
        point = state.distribution_points[name]
        group = state.distribution_point_groups[name]
        message = f'distribution point group "{name}" has the name of a point, {point.at}'
        at = group.locate(("metadata", "name"))
        yield Problem(at, Code.DUPLICATE_NAME.value, message, "rename one of them")
