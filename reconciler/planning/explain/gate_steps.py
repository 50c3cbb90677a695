"""What keeps an opened phase from passing, each condition of its gate with numbers (S14)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconciler.model.reasons import PhaseReason
from reconciler.model.times import ZERO, render_duration, render_percentage
from reconciler.planning.census import Census
from reconciler.planning.explain.chain import Step
from reconciler.planning.gates import gate_bars, soak_bars
from reconciler.planning.world import RolloutView


def gate_steps(rollout: RolloutView, census: Census) -> Iterator[Step]:
    """Give the ratio, the reports, the unreachable and the soak, in the order of their tests."""
    bars = list(gate_bars(census))
    gate, counted = census.gate, len(census.counted)
    cause = rollout.cause("S14", "when it passes", phase=census.record.phase)

    def step(asks: str, told: str, *reasons: PhaseReason, until: datetime | None = None) -> Step:
        held = next((one for one in reasons if one in bars), None)
        return Step(asks, told, held, census.world.now, cause, until)

    if not census.liable:
        told = (
            f"nobody is targeted who is not waived; allowEmpty is {str(gate.allow_empty).lower()}"
        )
        yield step("target", told, PhaseReason.EMPTY_TARGET)
    else:
        told = (
            f"{census.complying} of {counted} counted comply,"
            f" {render_percentage(gate.success)} is needed"
        )
        yield step("ratio", told, PhaseReason.NOTHING_COUNTED, PhaseReason.TOO_FEW_COMPLY)
        enough = min(gate.min_reported, counted)
        told = f"{len(census.reported)} of {counted} have reported, {enough} is needed"
        yield step("reports", told, PhaseReason.TOO_FEW_REPORTED)
        told = (
            f"{len(census.unreachable)} of {len(census.liable)} are unreachable,"
            f" {render_percentage(gate.max_unreachable)} may be"
        )
        yield step("unreachable", told, PhaseReason.TOO_MANY_UNREACHABLE)
    yield from _soak(census, Step("soak", "", None, census.world.now, cause), holds=not bars)


def _soak(census: Census, base: Step, *, holds: bool) -> Iterator[Step]:
    """Tell of the soak, and that nothing is left where it is over."""
    gate, since = census.gate, census.record.soak_since
    if gate.soak > ZERO:
        found = next(soak_bars(census), None) if holds else None
        length = render_duration(gate.soak)
        told = f"it has to hold for {length}" + (
            f", since {since:%Y-%m-%d %H:%M}Z" if since else ""
        )
        if since is not None:
            heard = len(census.in_contact_since(since))
            told += f"; {heard} counted were in contact since"
        until = since + gate.soak if since is not None and found else None
        yield Step(base.asks, told, found, base.at, base.rule, until)
        holds = holds and found is None
    if holds:
        told = "the next pass lets it succeed"
        yield Step("pass", told, PhaseReason.NOT_APPLIED, base.at, base.rule)
