"""Faults of logic in emergencies, waivers, orders and drills."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from reconciler.desired.state import DesiredState, Placed
from reconciler.kinds.rollout import Rollout
from reconciler.model.codes import Code
from reconciler.model.hints import did_you_mean
from reconciler.model.problems import Problem, Severity
from reconciler.model.times import render_duration, render_instant


def check_changes(
    state: DesiredState, rollouts: Mapping[str, Placed[Rollout]], now: datetime
) -> Iterator[Problem]:
    """Tell what emergencies, waivers, orders and drills cannot mean."""
    yield from _bulletins(state)
    yield from _waivers(state, now)
    yield from _readvertises(state, rollouts)
    yield from _drills(state)


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


def _drills(state: DesiredState) -> Iterator[Problem]:
    """A run ends when the next is due; proving comes after advertising (I5)."""
    for placed in state.drills.values():
        spec = placed.document.spec
        for field, within, longest, what in (
            ("advertised", spec.targets.advertised, spec.targets.verified, "verified"),
            ("advertised", spec.targets.advertised, spec.schedule, "schedule"),
            ("verified", spec.targets.verified, spec.schedule, "schedule"),
        ):
            if within is not None and longest is not None and within > longest:
                message = (
                    f"{field} within {render_duration(within)} is longer than"
                    f" {what} of {render_duration(longest)}"
                )
                at = placed.locate(("spec", "targets", field))
                hint = f"write at most {render_duration(longest)}"
                yield Problem(at, Code.DRILL_TOO_SLOW.value, message, hint)
                break
