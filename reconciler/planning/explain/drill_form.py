"""The explanation of a drill as JSON and as text; docs/reasons.md says what the JSON holds."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.canonical import Json
from reconciler.model.codec import encode
from reconciler.model.times import render_duration, render_instant
from reconciler.planning.explain.drills import DrillExplained

_SHORT_COMMIT = 12


def drill_json(one: DrillExplained) -> Json:
    """Give the explanation of a drill as a JSON value."""
    run = one.run
    return {
        "drill": one.drill,
        "now": encode(one.now),
        "commit": one.commit,
        "run": None if run is None else run.run,
        "state": None if run is None else run.state.value,
        "steps": [] if run is None else encode(run.steps),
        "waitsFor": one.waits_for,
        "nextAt": encode(one.next_at),
        "missed": list(one.missed),
        "asked": one.asked,
        "proved": one.proved,
        "late": encode(one.late),
    }


def drill_text(one: DrillExplained) -> Iterator[str]:
    """Give the explanation of a drill for a person."""
    yield f"{one.drill} at {render_instant(one.now)}, commit {one.commit[:_SHORT_COMMIT]}"
    if one.run is None:
        yield f"no run has begun: {one.waits_for}"
        return
    waits = f": {one.waits_for}" if one.waits_for else ""
    yield f"run {one.run.run}: {one.run.state.value}{waits}"
    for step in one.run.steps:
        after = render_duration(step.at - one.run.began_at)
        yield f"  {step.state.value} after {after}: {step.evidence}"
    yield from (f"  missed: {words}" for words in one.missed)
    if one.asked:
        yield f"  {one.proved} of {one.asked} computer(s) have proved it"
    for late in one.late:
        heard = render_instant(late.last_contact_at) if late.last_contact_at else "never"
        yield f"  {late.computer}: {late.reason.value}, last heard of {heard}"
    if one.next_at is not None:
        yield f"the next run is due at {render_instant(one.next_at)}"
