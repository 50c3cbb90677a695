"""Instants far from our days (S2)."""

import pytest

from reconciler.model.times import parse_instant
from reconciler.model.updates import UpdateState
from tests.worlds import PlannerWorld, an_update

FIRST, LAST = "1000-01-01T00:00:00Z", "9799-12-31T23:59:59Z"


@pytest.mark.parametrize(
    "text", ["0999-12-31T23:59:59Z", "9800-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
def test_instants_near_the_ends_of_the_calendar_are_refused(text):
    with pytest.raises(ValueError, match="is not in the years 1000 to 9799"):
        parse_instant(text)


@pytest.mark.parametrize("instant", [FIRST, LAST])
@pytest.mark.parametrize("basis", ["utc", "local"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_first_and_last_instants_can_be_planned_with(instant, basis, zone):
    """The longest durations are added to them, and offsets of zones taken from them."""
    world = PlannerWorld()
    deadline = f"deadline: {instant}\n      spread: 36600d\n      grace: 36600d"
    world.edit("deadline: 1d", deadline)
    world.edit("releases: {every: 1h}", f"timeBasis: {basis}\n  releases: {{every: 1h}}")
    world.enrol("ref", ring="reference", timezone=zone)
    world.publish(an_update("app"))
    world.scan(app=UpdateState.MISSING)
    world.step()
    world.capture()
    world.step()

    assert world.policy("ref").offers[0].mandatory_at is not None
