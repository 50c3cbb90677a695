"""An explanation as JSON and as text; docs/reasons.md says what the JSON holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from reconciler.model.canonical import Json
from reconciler.model.codec import encode
from reconciler.model.times import render_duration, render_instant
from reconciler.planning.actions import Cause
from reconciler.planning.explain.chain import Chain, Step
from reconciler.planning.explain.computers import ComputerExplained
from reconciler.planning.explain.rollouts import PhaseExplained, RolloutExplained

_SHORT_COMMIT = 12
_UNITS = (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1))


def computer_json(one: ComputerExplained) -> Json:
    """Give the explanation of a computer as a JSON value."""
    return {
        "computer": one.computer,
        "now": encode(one.now),
        "commit": one.commit,
        "newer": one.newer,
        "lastContactAt": encode(one.last_contact_at),
        "lastScanAt": encode(one.last_scan_at),
        "lastStatusAt": encode(one.last_status_at),
        "updates": [
            {
                "update": update.update,
                "reason": update.reason.value,
                "way": update.way,
                "others": [{"way": way, "reason": why.value} for way, why in update.others],
                "chain": _chain_json(update.chain, one.now),
            }
            for update in one.updates
        ],
    }


def rollout_json(one: RolloutExplained) -> Json:
    """Give the explanation of a rollout as a JSON value."""
    return {
        "rollout": one.rollout,
        "now": encode(one.now),
        "commit": one.commit,
        "reason": encode(one.reason),
        "emergency": encode(one.emergency),
        "since": encode(one.since),
        "waitsFor": one.waits_for,
        "releases": one.releases,
        "phases": [
            {
                "release": phase.release,
                "phase": phase.phase,
                "state": phase.state.value,
                "reason": phase.reason.value,
                "openedAt": encode(phase.opened_at),
                "counts": encode(phase.counts),
                "failures": [encode(failure) for failure in phase.failures],
                "chain": _chain_json(phase.chain, one.now),
            }
            for phase in one.phases
        ],
    }


def computer_text(one: ComputerExplained) -> Iterator[str]:
    """Give the explanation of a computer for a person."""
    yield f"{one.computer} at {render_instant(one.now)}, commit {one.commit[:_SHORT_COMMIT]}"
    scan, status = _moment(one.last_scan_at, one.now), _moment(one.last_status_at, one.now)
    yield f"last scan {scan}, last status {status}; newer: {one.newer}"
    if not one.updates:
        yield "every update that the last scan knows is installed"
    for update in one.updates:
        yield ""
        way = f" by {update.way}" if update.way else ""
        yield f"{update.update}{way}: {update.reason.value}"
        yield from _chain_text(update.chain, one.now)
        yield from (f"  (also {name}: {why.value})" for name, why in update.others)


def rollout_text(one: RolloutExplained) -> Iterator[str]:
    """Give the explanation of a rollout for a person."""
    yield f"{one.rollout} at {render_instant(one.now)}, commit {one.commit[:_SHORT_COMMIT]}"
    if one.emergency is not None:
        waits = f": {one.waits_for}" if one.waits_for else ""
        yield f"emergency: {one.emergency.value} since {_moment(one.since, one.now)}{waits}"
    if not one.releases:
        yield "nothing has been released yet"
    for phase in one.phases:
        yield ""
        yield f"release {phase.release}, phase {phase.phase} ({phase.state.value}): {_why(phase)}"
        yield from _chain_text(phase.chain, one.now)
        for failure in phase.failures:
            code = "no exit code" if failure.exit_code is None else f"exit code {failure.exit_code}"
            tail = f", {failure.reason}" if failure.reason else ""
            yield f"  failed: {failure.computer}: {code}{tail}"


def _why(phase: PhaseExplained) -> str:
    counts = phase.counts
    if phase.opened_at is None:
        return f"{phase.reason.value}; {counts.target} would be targeted"
    return (
        f"{phase.reason.value}; {counts.compliant} of {counts.counted} counted comply,"
        f" {counts.target} targeted, {counts.failed} failed"
    )


def _chain_text(chain: Chain, now: datetime) -> Iterator[str]:
    for step in chain:
        mark = f"✗ {step.reason.value}" if step.reason is not None else "✓"
        until = f", until {render_instant(step.until)}" if step.until is not None else ""
        age = f" [{_age(step.at, now)}]" if step.at is not None and step.at != now else ""
        yield f"  {mark} {step.asks}: {step.evidence}{until}{age}"
        if step.reason is not None and step.rule is not None:
            yield f"      {_place(step.rule)}"


def _place(rule: Cause) -> str:
    return f"{rule.rule} {rule.kind}/{rule.name} at {rule.at} in {rule.commit[:_SHORT_COMMIT]}"


def _chain_json(chain: Chain, now: datetime) -> Json:
    return [_step_json(step, now) for step in chain]


def _step_json(step: Step, now: datetime) -> Json:
    return {
        "asks": step.asks,
        "holds": step.reason is not None,
        "reason": encode(step.reason),
        "evidence": step.evidence,
        "at": encode(step.at),
        "age": None if step.at is None else int((now - step.at).total_seconds()),
        "until": encode(step.until),
        "rule": None if step.rule is None else _rule_json(step.rule),
    }


def _rule_json(rule: Cause) -> Json:
    return {
        "rule": rule.rule,
        "kind": rule.kind,
        "name": rule.name,
        "path": rule.at.path,
        "line": rule.at.line,
        "column": rule.at.column,
        "commit": rule.commit,
    }


def _moment(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else f"{render_instant(moment)} ({_age(moment, now)})"


def _age(moment: datetime, now: datetime) -> str:
    span = abs(now - moment)
    unit = next((one for one in _UNITS if one <= span), _UNITS[-1])
    whole = span - span % unit
    return f"{render_duration(whole)} {'ago' if moment <= now else 'ahead'}"
