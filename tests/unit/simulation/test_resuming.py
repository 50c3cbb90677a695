"""A forecast goes on with what computers were at when the site was observed."""

from datetime import timedelta

import numpy as np
import pytest

from reconciler.observed.columns import instant
from reconciler.observed.state import ObservedState
from reconciler.simulation.clockwork import Scene, Simulation, Span
from reconciler.simulation.estate import Estate
from reconciler.simulation.fleet_spec import FleetSpec
from reconciler.simulation.forecast import make_forecast
from reconciler.simulation.generate import generate
from reconciler.simulation.runs import Runs
from tests.unit.simulation.test_agents import SCAN_AT_ONCE
from tests.unit.simulation.worlds import STEP, a_fleet, a_group, live
from tests.worlds import BASICS, NOW, SITE, load_desired

pytestmark = pytest.mark.timeout(20)  # days of virtual time, on a machine that may be busy
LONG = {"median": "50m", "sigma": 0.0, "failure": "0%"}
SLOW = a_fleet(a_group(runs=LONG, ring="reference"))
AT_ONCE = (BASICS, SCAN_AT_ONCE)
KERNEL = a_fleet(updates=[{"product": "linux", "restart": True}])


BY_DAY = BASICS.replace(
    "maintenanceWindows: always",
    'maintenanceWindows: [{name: i, recurrence: "FREQ=DAILY", start: "00:00", duration: 24h,'
    ' for: updates}, {name: r, recurrence: "FREQ=DAILY", start: "22:00", duration: 2h,'
    " for: restarts}]",
).replace("releases: {every: 1h}", "releases: {every: 1h}\n  restart: {servers: if-required}")


def go_on(lived, *manifests, days=3.0, behaviour):
    """Let another simulation begin where one was left, as a forecast does."""
    begin = lived.moments[-1].now
    estate = Estate(lived.estate.fleet)
    scene = Scene(
        load_desired(*manifests, now=begin),
        SITE,
        lived.simulation.memory,
        lived.simulation.catalog,
    )
    simulation = Simulation(
        scene, estate, behaviour, Span(begin, begin + timedelta(days=days), STEP), 1
    )
    return type(lived)(simulation, list(simulation.run()), estate)


def behaviour_of(fleet):
    return generate(FleetSpec.model_validate(fleet), (), NOW, 1).behaviour


def ends(lived, names):
    """Give when the site knows the runs of these computers to have ended."""
    ordinals, instants = lived.estate.fleet.runs_of("monthly/1").encoded()
    found = zip(ordinals.tolist(), instants[1].tolist(), strict=True)
    return {instant(end) for one, end in found if lived.estate.fleet.names[one] in names}


def test_runs_under_way_go_on_and_end_when_they_would_have():
    whole = live(SLOW, *AT_ONCE, days=0.25)
    half = live(SLOW, *AT_ONCE, days=0.04)
    started = {name for _, name in half.starts()}
    rest = go_on(half, *AT_ONCE, days=0.21, behaviour=behaviour_of(SLOW))

    assert {name for name in started if name.startswith("web")}
    assert not started & {name for _, name in rest.starts()}
    assert ends(rest, started) == ends(whole, started) != {None}


@pytest.mark.parametrize(("rule", "restarts"), [("suppress", 0), ("if-required", 13)])
def test_forecast_restarts_whom_it_finds_waiting_by_the_rule_that_they_ran_by(rule, restarts):
    """The reference computers wait for the night; without it the gate lets nobody else begin."""
    manifest = BY_DAY.replace("if-required", rule)
    lived = live(KERNEL, manifest, SCAN_AT_ONCE, days=0.2)
    assert lived.counts()["first"].pending_restart == 3
    begin, memory = lived.moments[-1].now, lived.simulation.memory
    observed = ObservedState(
        lived.estate.fleet, lived.simulation.catalog, memory, memory.latest_transition()
    )
    desired = load_desired(manifest, SCAN_AT_ONCE, now=begin)
    span = Span(begin, begin + timedelta(days=3), STEP)
    found = make_forecast(desired, observed, SITE, span, 1)

    assert sum(found.restarts.values()) == restarts


def test_run_that_lasted_long_is_not_expected_to_have_been_over():
    lived = live(a_fleet(), *AT_ONCE, days=0.1)
    runs: Runs = lived.simulation._agents.runs  # noqa: SLF001
    hour = 3600 * 1_000_000
    ordinals, lasted = np.zeros(4, dtype=np.uint32), np.full(4, hour)

    assert (runs._spans_beyond(ordinals, lasted) >= hour).all()  # noqa: SLF001
