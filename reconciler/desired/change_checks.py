"""Faults of logic in emergencies, waivers and orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from reconciler.desired.state import DesiredState, Placed
from reconciler.kinds.rollout import Rollout
from reconciler.model.codes import Code
from reconciler.model.hints import did_you_mean
from reconciler.model.problems import Problem, Severity
from reconciler.model.times import render_instant


def check_changes(
    state: DesiredState, rollouts: Mapping[str, Placed[Rollout]], now: datetime
) -> Iterator[Problem]:
    """Tell what emergencies, waivers and orders cannot mean."""
    yield from _bulletins(state)
    yield from _waivers(state, now)
    yield from _readvertises(state, rollouts)


def _bulletins(state: DesiredState) -> Iterator[Problem]:
    """A bulletin names one emergency, and the programs that are made for it (S21)."""
    first: dict[str, str] = {}
    for placed in state.emergency_changes.values():
        bulletin = placed.document.spec.bulletin
        owner = first.setdefault(bulletin, placed.name)
        if owner != placed.name:
            message = f'the bulletin {bulletin!r:.80} is that of emergency change "{owner}"'
            at = placed.locate(("spec", "bulletin"))
            hint = "put both into one emergency"
            yield Problem(at, Code.DUPLICATE_BULLETIN.value, message, hint)


def _waivers(state: DesiredState, now: datetime) -> Iterator[Problem]:
    for placed in state.waivers.values():
        spec = placed.document.spec
        if spec.collection is None and not spec.computers:
            message = f'waiver "{placed.name}" names neither a collection nor computers'
            at = placed.locate(("spec",))
            hint = "say for whom it is"
            yield Problem(at, Code.WAIVER_FOR_NOBODY.value, message, hint)
        if spec.until <= now:
            message = f'waiver "{placed.name}" has expired at {render_instant(spec.until)}'
            at = placed.locate(("spec", "until"))
            hint = "delete it, or have it approved until later"
            code = Code.WAIVER_EXPIRED.value
            yield Problem(at, code, message, hint, Severity.WARNING)


def _readvertises(
    state: DesiredState, rollouts: Mapping[str, Placed[Rollout]]
) -> Iterator[Problem]:
    for placed in state.readvertises.values():
        spec = placed.document.spec
        rollout = rollouts.get(spec.rollout)
        phases = [phase.name for phase in rollout.document.spec.phases] if rollout else []
        if phases and spec.phase not in phases:
            message = f'rollout "{spec.rollout}" has no phase "{spec.phase}"'
            at = placed.locate(("spec", "phase"))
            hint = did_you_mean(spec.phase, phases) or f"its phases are {', '.join(phases)}"
            yield Problem(at, Code.DANGLING_REFERENCE.value, message, hint)
