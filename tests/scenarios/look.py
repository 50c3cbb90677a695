"""Looking at what a step came to, in the words of scenarios."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from reconciler.agent.due import runnable_offers
from reconciler.agent.memory import EndedRun, LastScan
from reconciler.agent.memory import Memory as AgentMemory
from reconciler.model.computers import Computer
from reconciler.model.policy import Offer, Policy
from reconciler.model.times import render_duration, render_instant
from reconciler.observed.memo import Memo
from reconciler.planning.actions import Action
from reconciler.planning.plan import make_world
from reconciler.planning.render import describe
from reconciler.planning.windows import Interval
from tests.scenarios.naming import joined, short_id
from tests.scenarios.play import Moment
from tests.worlds import SITE

_COUNTED_APART = ("rollout", "release", "phase", "state", "soak_since")


def look(moment: Moment) -> dict[str, Any]:
    """Give everything that a scenario may expect, as it is now."""
    world, plan = moment.world, moment.plan
    memory = world.memory
    policies = {name: world.policy(name, plan) for name in sorted(world.computers)}
    programs = memory.programs.values()
    return {
        "refused": sorted({one.code for one in moment.problems if one.is_error}),
        "warned": sorted({one.code for one in moment.problems if not one.is_error}),
        "actions": [show_action(action) for action in plan.actions],
        "conditions": _conditions(moment),
        "phases": _phases(moment),
        "targets": {
            joined(*key): sorted(world.names(one.members))
            for key, one in sorted(memory.memberships.items())
        },
        "members": _members(moment),
        "releases": {
            joined(*key): "retired" if one.retired else [short_id(u.id) for u in one.offered()]
            for key, one in sorted(memory.releases.items())
        },
        "counts": {
            joined(one.rollout, one.release, one.phase): _sizes(asdict(one)) for one in plan.counts
        },
        "offers": {name: _offers(policy) for name, policy in policies.items()},
        "starts": {name: _starts(moment, name, policy) for name, policy in policies.items()},
        "windows": {name: _windows(one) for name, one in policies.items()},
        "restartWindows": {
            name: _ahead(one.windows.restarts, one.issued_at) for name, one in policies.items()
        },
        "scansEvery": {name: render_duration(one.scan.every) for name, one in policies.items()},
        "scansNow": [
            name for name, one in policies.items() if _has_to_scan(world.computers[name], one)
        ],
        "domains": {
            f"{one.budget} {one.value}": {
                "members": sorted(world.names(one.members)),
                "limit": one.limit,
            }
            for one in plan.guidance.budgets
        },
        "emergencies": {
            one.rollout.rpartition("/")[2]: one.state.value for one in plan.emergencies
        },
        "drills": {
            joined(key[0].rpartition("/")[2], key[1]): one.state.value
            for key, one in sorted(memory.drills.items())
        },
        "programs": sorted({one.name for one in programs}),
        "packages": sorted(f"{one.name} version {one.version}" for one in memory.packages.values()),
        "advertisements": sorted(
            {joined(one.rollout, one.release, one.phase) for one in world.offers()}
        ),
        "wakeAt": render_instant(plan.wake_at) if plan.wake_at else None,
        "clock": render_instant(plan.now),
    }


def show_action(action: Action) -> str:
    """Give an action as one line, its rule and reason included."""
    cause = action.cause
    what = f"{action.verb.value} {describe(action.record)}"
    return f"{what}, because {cause.because} [{cause.rule}, {cause.kind}/{cause.name}]"


def _conditions(moment: Moment) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for one in moment.plan.conditions:
        found.setdefault(one.type.value, {})[one.subject] = one.message
    return found


def _phases(moment: Moment) -> dict[str, str]:
    """Give the state of every phase: retired and pending ones too."""
    records = moment.world.memory.phases
    counted = {
        joined(one.rollout, one.release, one.phase): one.state.value for one in moment.plan.counts
    }
    remembered = {
        joined(*key): "retired" if one.retired else one.state.value for key, one in records.items()
    }
    return dict(sorted({**counted, **remembered}.items()))


def _members(moment: Moment) -> dict[str, list[str]]:
    before = moment.before
    world = make_world(moment.desired, before.observed(), SITE, before.now, Memo())
    return {
        name: sorted(before.names(world.collections.members(name)))
        for name in sorted(moment.desired.collections)
    }


def _sizes(count: dict[str, Any]) -> dict[str, int]:
    return {
        name: size
        for name, size in count.items()
        if isinstance(size, int) and name not in _COUNTED_APART
    }


def _offers(policy: Policy) -> dict[str, dict[str, Any]]:
    return {joined(one.rollout, one.release, one.phase): _offer(one) for one in policy.offers}


def _offer(offer: Offer) -> dict[str, Any]:
    deadline = offer.mandatory_at
    later = {short_id(one.id): one.not_before for one in offer.updates if one.not_before}
    rule = offer.order.restart
    return {
        "updates": [short_id(one.id) for one in offer.updates],
        "deadline": render_instant(deadline) if deadline else "none",
        "held": offer.held,
        "available": render_instant(offer.available_at),
        "notBefore": {update: render_instant(moment) for update, moment in later.items()},
        "needsPermit": offer.needs_permit,
        "userMayStart": offer.order.user.available,
        "restart": f"servers {rule.servers}, workstations {rule.workstations}",
    }


def _starts(moment: Moment, name: str, policy: Policy) -> list[str]:
    """Give what the computer's agent starts by itself now, budgets apart."""
    world, computer = moment.world, moment.world.computers[name]
    scanned_at = computer.last_scan_at
    scan = None
    if scanned_at is not None:
        scan = LastScan(scanned_at, scanned_at, computer.scan_version, "", computer.states)
    ended = tuple(
        EndedRun(run.rollout, run.release, 1, run.ended_at, refused=False)
        for run in computer.runs.values()
        if run.ended_at is not None
    )
    running = any(run.ended_at is None for run in computer.runs.values())
    memory = AgentMemory(first_policy_at=computer.enrolled_at, last_scan=scan, ended=ended)
    offers = () if running else runnable_offers(policy, memory, world.now)
    return [joined(one.rollout, one.release, one.phase) for one in offers]


def _has_to_scan(computer: Computer, policy: Policy) -> bool:
    """Tell whether the policy asks for a scan that was not made since."""
    scanned_at = computer.last_scan_at
    return any(scanned_at is None or scanned_at <= asked_at for asked_at, _ in policy.scan.asked)


def _windows(policy: Policy) -> str | list[str]:
    if policy.windows.always:
        return "always"
    return _ahead(policy.windows.updates, policy.issued_at) or "never"


def _ahead(spans: Iterable[Interval], now: datetime) -> list[str]:
    """Give the windows that are not over yet."""
    return [f"{_clock(begin)} to {_clock(end)}" for begin, end in spans if now < end]


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
