"""What manifests say of computers and facts, against a fleet that is at hand (S5, S6)."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.desired.naming import leaves
from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.kinds.base import Document
from reconciler.kinds.query import FactLeaf
from reconciler.model.codes import Code
from reconciler.model.hints import Hints
from reconciler.model.problems import Problem, Severity
from reconciler.observed.fleet import Fleet
from reconciler.planning.budgets import WHOLE

_Asked = tuple[Placed[Document], FieldPath, str]


def check_fleet(state: DesiredState, fleet: Fleet) -> Iterator[Problem]:
    """Tell of facts that nobody or not everybody has, and of names that nobody enrolled under.

    All are warnings or notes: computers come, go, and learn to tell facts (S6, S28).
    """
    hints = Hints()
    known = [name for name, column in fleet.facts.items() if column.present & fleet.enrolled]
    for placed, field, fact in asked_facts(state):
        yield from _lacking(placed, field, fact, fleet, hints.closest("fact", fact, known))
    for collection in state.collections.values():
        for number, written in enumerate(collection.document.spec.computers):
            name = written.rpartition("/")[2]
            if not fleet.named(name):
                at = collection.locate(("spec", "computers", number))
                message = f"no enrolled computer is named {written!r:.120}"
                hint = "it joins when it enrols; else correct the name"
                code = Code.NO_SUCH_COMPUTER.value
                yield Problem(at, code, message, hint, Severity.WARNING)


def _lacking(
    placed: Placed[Document], field: FieldPath, fact: str, fleet: Fleet, closest: str
) -> Iterator[Problem]:
    """Say how many lack the fact: a warning where all do, else a note."""
    column = fleet.facts.get(fact)
    everybody = len(fleet.enrolled)
    having = len(column.present & fleet.enrolled) if column is not None else 0
    if having == everybody:
        return
    at = placed.locate(field)
    if having:
        message = f"{everybody - having} of {everybody} computer(s) lack the fact {fact!r:.120}"
        yield Problem(at, Code.FACT_LACKING.value, message, severity=Severity.NOTE)
        return
    message = f"no computer has the fact {fact!r:.120}"
    hint = closest or "declare it as a CustomFact, or look at what agents tell"
    yield Problem(at, Code.FACT_LACKING.value, message, hint, Severity.WARNING)


def asked_facts(state: DesiredState) -> Iterator[_Asked]:
    """Give each place where a manifest asks for a fact, and which."""
    for collection in state.collections.values():
        query = collection.document.spec.query
        for field, leaf in leaves(query, ("spec", "query")) if query is not None else ():
            if isinstance(leaf, FactLeaf):
                yield collection, (*field, "fact"), leaf.fact
    for budget in state.disruption_budgets.values():
        if budget.document.spec.per not in WHOLE:
            yield budget, ("spec", "per"), budget.document.spec.per
    for rollout in state.rollouts.values():
        asked = rollout.document.spec.budget
        if asked is not None and asked.per not in WHOLE:
            yield rollout, ("spec", "budget", "per"), asked.per
