"""Faults of logic in phases, wherever they are listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from reconciler.desired.expansion import REFERENCE
from reconciler.desired.naming import depends_on_updates
from reconciler.desired.phased import (
    Phased,
    phased_others,
    phased_rollouts,
    phased_strategies,
)
from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.kinds.phase import Opens, Phase
from reconciler.kinds.rollout import Rollout
from reconciler.model.codes import Code
from reconciler.model.problems import Problem
from reconciler.model.times import render_duration, render_instant


@dataclass(frozen=True, slots=True)
class _At:
    """Where problems of one phase are told."""

    phased: Phased
    number: int

    def problem(self, field: FieldPath, code: Code, message: str, hint: str = "") -> Problem:
        """Make a problem at a field of the phase."""
        at = self.phased.placed.locate(self.phased.path(self.number, *field))
        name = self.phased.phases[self.number].name
        return Problem(at, code.value, f'phase "{name}" {message}', hint)


def check_rollouts(
    state: DesiredState, rollouts: Mapping[str, Placed[Rollout]]
) -> Iterator[Problem]:
    """Tell of phases that contradict themselves or each other.

    `rollouts` have the defaults of their strategies; what a strategy itself gets wrong is told
    there, however many rollouts use it.
    """
    by_update = depends_on_updates(state)
    everyone = (phased_rollouts(rollouts), phased_others(state), phased_strategies(state))
    for phased in chain(*everyone):
        yield from _phases(phased, by_update)
    for rollout in rollouts.values():
        yield from _resume(rollout)
    yield from _emergencies(state, by_update)
    yield from _names_of_emergencies(state)


def _phases(phased: Phased, by_update: Mapping[str, str]) -> Iterator[Problem]:
    names: set[str] = set()
    for number, phase in enumerate(phased.phases):
        at = _At(phased, number)
        if phase.name in names:
            message = "has the name of an earlier phase"
            yield at.problem(("name",), Code.DUPLICATE_PHASE, message, "rename one of them")
        names.add(phase.name)
        if phase.collection in by_update:
            yield _by_update(at, phase, by_update[phase.collection])
        yield from _phase(at, phase, is_last=number == len(phased.phases) - 1)


def _emergencies(state: DesiredState, by_update: Mapping[str, str]) -> Iterator[Problem]:
    for placed in state.emergency_changes.values():
        for number, name in enumerate(placed.document.spec.production):
            if isinstance(name, str) and name in by_update:
                message = f'production names collection "{name}", but {by_update[name]}'
                at = placed.locate(("spec", "production", number))
                yield Problem(at, Code.COLLECTION_BY_UPDATE.value, message, _BY_UPDATE_HINT)


def _names_of_emergencies(state: DesiredState) -> Iterator[Problem]:
    """The phase of the reference computers has a name too, and a collection names its phase."""
    for placed in state.emergency_changes.values():
        names = {REFERENCE}
        for number, one in enumerate(placed.document.spec.production):
            name = one.name if isinstance(one, Phase) else str(one)
            # Two written phases of one name are told where all phases are.
            if name in names and (name == REFERENCE or not isinstance(one, Phase)):
                message = f'phase "{name}" has the name of an earlier phase'
                at = placed.locate(("spec", "production", number))
                hint = "write production as a list of phases, with other names"
                yield Problem(at, Code.DUPLICATE_PHASE.value, message, hint)
            names.add(name)


def _phase(at: _At, phase: Phase, *, is_last: bool) -> Iterator[Problem]:
    if phase.gate is None and not is_last and at.phased.gated:
        hint = "write a gate, as gate: {success: 95%}; only the last phase may go without"
        yield at.problem((), Code.GATE_MISSING, "has no gate, and others follow it", hint)
    yield from _opening(at, phase.opens)
    yield from _deadline(at, phase)
    gate = phase.gate
    if gate is not None and gate.within is not None and gate.soak > gate.within:
        soak, within = render_duration(gate.soak), render_duration(gate.within)
        message = f"soaks for {soak}, longer than the {within} within which its gate should pass"
        yield at.problem(("gate", "soak"), Code.SOAK_LONGER_THAN_WITHIN, message)


def _opening(at: _At, opens: Opens) -> Iterator[Problem]:
    """An instant replaces what came before, so `after` and `notBefore` say the opposite (S13)."""
    if opens.at is None:
        return
    hint = "use at alone, or after with notBefore"
    if opens.after is not None:
        message = "opens both at an instant and after the previous phase"
        yield at.problem(("opens", "at"), Code.CONFLICTING_OPENING, message, hint)
    if opens.not_before is not None:
        message = "opens at an instant, which notBefore cannot put off"
        yield at.problem(("opens", "notBefore"), Code.CONFLICTING_OPENING, message, hint)


def _deadline(at: _At, phase: Phase) -> Iterator[Problem]:
    if at.phased.local:
        # A wall time is another instant in every zone.
        return
    opening = phase.opens.at or phase.opens.not_before
    due = phase.deadline
    if opening is not None and isinstance(due, datetime) and due < opening:
        message = (
            f"has its deadline {render_instant(due)} before it can open, {render_instant(opening)}"
        )
        yield at.problem(("deadline",), Code.DEADLINE_BEFORE_OPENING, message)


def _by_update(at: _At, phase: Phase, why: str) -> Problem:
    """A target that follows from compliance would empty itself as it is served (S12a)."""
    message = f'is for collection "{phase.collection}", but {why}'
    return at.problem(("collection",), Code.COLLECTION_BY_UPDATE, message, _BY_UPDATE_HINT)


_BY_UPDATE_HINT = "a phase takes compliant computers out by itself: target them by their facts"


def _resume(rollout: Placed[Rollout]) -> Iterator[Problem]:
    resume = rollout.document.spec.resume
    if resume is None:
        return
    missing = [word for word in ("release", "phase") if getattr(resume, word) is None]
    if resume.how != "retry" and missing:
        message = f"resume: {resume.how} needs {' and '.join(missing)}"
        at = rollout.locate(("spec", "resume", "how"))
        yield Problem(at, Code.INCOMPLETE_RESUME.value, message)
    phases = [phase.name for phase in rollout.document.spec.phases]
    if resume.phase is not None and resume.phase not in phases:
        message = f'resume names phase "{resume.phase}", which the rollout does not have'
        at = rollout.locate(("spec", "resume", "phase"))
        hint = f"its phases are {', '.join(phases)}"
        yield Problem(at, Code.DANGLING_REFERENCE.value, message, hint)
