"""What is to be expected of the rollouts of a site: phases, compliance, deadlines, restarts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from reconciler.desired.state import DesiredState
from reconciler.kinds.timezones import zone_or_utc
from reconciler.model.canonical import Json
from reconciler.model.times import render_instant
from reconciler.observed.memory import Memory
from reconciler.observed.state import ObservedState
from reconciler.planning.conditions import Condition
from reconciler.planning.counts import PhaseCount
from reconciler.planning.own_deadlines import terms_of
from reconciler.planning.plan import Plan
from reconciler.planning.world import SiteIdentity
from reconciler.simulation.clockwork import Moment, Scene, Simulation, Span
from reconciler.simulation.estate import Estate
from reconciler.simulation.estimates import Assumption, estimate, spread_unjudged
from reconciler.simulation.lateness import Missed
from reconciler.simulation.standing import SHARES, Standings
from reconciler.simulation.timeline import missed_event, releases_json

Series = dict[tuple[str, int], list[tuple[datetime, float]]]


@dataclass(frozen=True, slots=True)
class ExpectedPhase:
    """One phase of a release; no instant where it does not come before the end."""

    rollout: str
    release: int
    phase: str
    opens_at: datetime | None
    succeeds_at: datetime | None
    halts_at: datetime | None
    deadline_at: datetime | None
    target: int


@dataclass(slots=True)
class Forecast:
    """All that was seen on the way; `series` has the compliance of each release by day."""

    begin: datetime
    end: datetime
    seed: int
    enforced: bool
    assumptions: tuple[Assumption, ...]
    phases: tuple[ExpectedPhase, ...] = ()
    standings: Standings = field(default_factory=Standings)
    series: Series = field(default_factory=dict)
    missed: list[Missed] = field(default_factory=list)
    restarts: Counter[datetime] = field(default_factory=Counter)
    conditions: tuple[Condition, ...] = ()


def make_forecast(
    desired: DesiredState, observed: ObservedState, site: SiteIdentity, span: Span, seed: int
) -> Forecast:
    """Let the planner and the model of agents run on what was observed; the same seed, the same."""
    estate = Estate(observed.fleet)
    placed = desired.sites.get(site.name)
    zone = placed.document.spec.timezone if placed is not None else None
    found = estimate(estate, zone_or_utc(zone), span.begin)
    unjudged = spread_unjudged(estate, observed.catalog, np.random.default_rng([seed, 1]))
    scene = Scene(desired, site, observed.memory, observed.catalog)
    simulation = Simulation(scene, estate, found.behaviour, span, seed)
    forecast = Forecast(
        span.begin, span.end, seed, enforced=True, assumptions=(*found.assumptions, unjudged)
    )
    plan = None
    for moment in simulation.run():
        plan = moment.plan
        _note(forecast, moment)
    if plan is not None:
        forecast.enforced = plan.guidance.enforce
        forecast.conditions = plan.conditions
        forecast.phases = tuple(_phases(desired, simulation.memory, plan))
    return forecast


def only(forecast: Forecast, rollout: str) -> Forecast:
    """Give what the forecast says of one rollout; restarts stay those of all."""
    standings = Standings()
    standings.by_release = {
        key: one for key, one in forecast.standings.by_release.items() if key[0] == rollout
    }
    return replace(
        forecast,
        phases=tuple(one for one in forecast.phases if one.rollout == rollout),
        standings=standings,
        series={key: one for key, one in forecast.series.items() if key[0] == rollout},
        missed=[one for one in forecast.missed if one.rollout == rollout],
    )


def forecast_json(forecast: Forecast) -> Json:
    """Give the forecast as a JSON value; equal forecasts are equal bytes."""
    return {
        "from": render_instant(forecast.begin),
        "until": render_instant(forecast.end),
        "seed": forecast.seed,
        "enforced": forecast.enforced,
        "assumptions": [
            {"name": one.name, "value": one.value, "source": one.source, "basis": one.basis}
            for one in forecast.assumptions
        ],
        "phases": [_phase_json(one) for one in forecast.phases],
        "releases": releases_json(forecast.standings),
        "compliance": {
            f"{rollout}/{release}": [[render_instant(at), percent] for at, percent in points]
            for (rollout, release), points in sorted(forecast.series.items())
        },
        "missed": [missed_event(one, one.deadline_at) for one in forecast.missed],
        "restartsPerHour": {
            render_instant(hour): count for hour, count in sorted(forecast.restarts.items())
        },
        "conditions": [
            {"subject": one.subject, "type": one.type.value, "message": one.message}
            for one in forecast.conditions
        ],
    }


def days_to(forecast: Forecast, rollout: str, release: int, share: int) -> float | None:
    """Give the days until a release reaches a share; nothing where it does not."""
    at = forecast.standings.by_release[rollout, release].reached.get(share)
    return None if at is None else round((at - forecast.begin) / timedelta(days=1), 2)


def shares() -> tuple[int, ...]:
    """Give the percentages that are told."""
    return SHARES


def _note(forecast: Forecast, moment: Moment) -> None:
    forecast.standings.note(moment.plan.counts, moment.now)
    forecast.missed += moment.missed
    if moment.tally.restarts:
        hour = moment.now.replace(minute=0, second=0, microsecond=0)
        forecast.restarts[hour] += moment.tally.restarts
    for key, standing in forecast.standings.by_release.items():
        points = forecast.series.setdefault(key, [])
        if not points or moment.now - points[-1][0] >= timedelta(days=1):
            points.append((moment.now, standing.percent))


def _phases(desired: DesiredState, memory: Memory, plan: Plan) -> Iterator[ExpectedPhase]:
    """Give the phases that were opened, and those that releases have before them."""
    told: set[tuple[str, int, str]] = set()
    for key in sorted(memory.phases):
        record, membership = memory.phases[key], memory.memberships.get(key)
        told.add(key)
        yield ExpectedPhase(
            *key,
            opens_at=record.opened_at,
            succeeds_at=record.succeeded_at,
            halts_at=record.halted_at,
            deadline_at=_deadline(desired, key, record.opened_at),
            target=len(membership.members) if membership is not None else 0,
        )
    yield from _ahead(plan.counts, told)


def _ahead(
    counts: Iterable[PhaseCount], told: set[tuple[str, int, str]]
) -> Iterator[ExpectedPhase]:
    for count in counts:
        key = (count.rollout, count.release, count.phase)
        if key not in told:
            yield ExpectedPhase(*key, None, None, None, None, count.target)


def _deadline(
    desired: DesiredState, key: tuple[str, int, str], opened_at: datetime
) -> datetime | None:
    rollout = desired.rollouts.get(key[0])
    if rollout is None:
        return None
    spec = rollout.document.spec
    found = next((one for one in spec.phases if one.name == key[2]), None)
    terms = terms_of(found, spec.time_basis, opened_at) if found is not None else None
    return terms.due_at if terms is not None else None


def _phase_json(one: ExpectedPhase) -> Json:
    moments = {
        "opensAt": one.opens_at,
        "succeedsAt": one.succeeds_at,
        "haltsAt": one.halts_at,
        "deadlineAt": one.deadline_at,
    }
    return {
        "rollout": one.rollout,
        "release": one.release,
        "phase": one.phase,
        "target": one.target,
        **{name: None if at is None else render_instant(at) for name, at in moments.items()},
    }
