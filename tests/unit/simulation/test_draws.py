"""Where forecasts of one state differ, the middle one is told, and by how much they do."""

from datetime import timedelta

import pytest

from reconciler.model.computers import RunOutcome
from reconciler.model.updates import UpdateState
from reconciler.observed.memory import Memory
from reconciler.observed.state import ObservedState
from reconciler.simulation.clockwork import Span
from reconciler.simulation.draws import agree, expect, middle
from reconciler.simulation.forecast import Forecast, days_to, forecast_json, make_forecast
from reconciler.simulation.standing import Standing
from tests.worlds import BASICS, NOW, SITE, PlannerWorld, an_update, load_desired

pytestmark = pytest.mark.timeout(20)  # days of virtual time, on a machine that may be busy
END = NOW + timedelta(days=20)
SPAN = Span(NOW, END, timedelta(hours=1))


def a_forecast(**days):
    """Give a forecast by the days that the first release of each rollout takes."""
    made = Forecast(NOW, END, 1, enforced=True, assumptions=())
    for rollout, number in days.items():
        reached = {} if number is None else {95: NOW + timedelta(days=number)}
        made.standings.by_release[rollout, 1] = Standing(10, 10, reached)
    return made


@pytest.mark.parametrize(
    ("other", "close"),
    [
        ({"a": 10.4, "b": 2}, True),
        ({"a": 10.6, "b": 2}, False),
        ({"a": 10, "b": None}, False),
        ({"a": 10}, False),
    ],
)
def test_forecasts_agree_where_every_release_is_within_a_twentieth(other, close):
    assert agree(a_forecast(a=10, b=2), a_forecast(**other)) is close


def test_releases_that_never_arrive_agree():
    assert agree(a_forecast(a=None), a_forecast(a=None))


def test_middle_is_that_nearest_to_the_medians_of_all_releases():
    made = [a_forecast(a=number, b=9) for number in (16, 9, None, 9.1, 8)]

    assert middle(made) == 3


def test_middle_of_mostly_never_is_never():
    assert middle([a_forecast(a=number) for number in (3, None, 4, None, None)]) == 1


def observed(failed):
    """Give forty computers of which some failed a run: so many fail the next one too."""
    world = PlannerWorld()
    world.publish(an_update("old"), an_update("app"))
    for number in range(40):
        world.enrol(f"n{number}", ring="reference" if number < 8 else "rest")
        outcome = RunOutcome.FAILED if number < failed else RunOutcome.SUCCEEDED
        world.run(f"n{number}", began_at=NOW - timedelta(minutes=8), outcome=outcome)
    world.scan(old=UpdateState.INSTALLED, app=UpdateState.MISSING)
    return ObservedState(world.fleet(), world.catalog(), Memory(), None, fresh=True)


def test_forecast_without_much_chance_is_made_twice():
    found = expect(load_desired(BASICS), observed(0), SITE, SPAN, 1)

    told = found.assumptions[-1]
    assert (told.name, told.value) == ("chance", "2 forecasts agree")
    alone = make_forecast(load_desired(BASICS), observed(0), SITE, SPAN, 1)
    assert forecast_json(found)["releases"] == forecast_json(alone)["releases"]


def test_forecast_that_hangs_on_chance_is_the_middle_of_five_and_says_how_far_they_differ():
    desired = load_desired(BASICS)
    found = expect(desired, observed(4), SITE, SPAN, 1)
    alone = [make_forecast(desired, observed(4), SITE, SPAN, seed) for seed in range(1, 6)]

    days = sorted(days_to(one, "monthly", 1, 95) or 99 for one in alone)
    assert days[0] != days[-1]
    assert days_to(found, "monthly", 1, 95) == days[2]
    told = "the middle of 5 forecasts; monthly/1 takes 7.2 days, or does not arrive"
    assert found.assumptions[-1].value == told
    assert found.seed == 1
