"""What a fleet's history tells of it, and when that is too little."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from reconciler.model.computers import RunOutcome
from reconciler.model.updates import UpdateState
from reconciler.simulation.behaviour import Presence
from reconciler.simulation.estate import Estate
from reconciler.simulation.estimates import estimate, spread_unjudged
from tests.worlds import NOW, PlannerWorld, an_update

UTC = ZoneInfo("UTC")
MINUTE = 60 * 1_000_000


def a_world(count=40, **facts):
    world = PlannerWorld()
    world.publish(an_update("app"))
    for number in range(count):
        world.enrol(f"n{number}", **facts)
    return world


def estimated(world):
    estate = Estate(world.fleet())
    return estate, estimate(estate, UTC, NOW)


def told(found):
    return {one.name: one for one in found.assumptions}


def test_run_times_and_failures_come_from_recorded_runs():
    world = a_world()
    for number in range(40):
        outcome = RunOutcome.FAILED if number < 10 else RunOutcome.SUCCEEDED
        world.run(f"n{number}", began_at=NOW - timedelta(minutes=8), outcome=outcome)

    _, found = estimated(world)

    assert set(found.behaviour.run_median) == {8 * MINUTE}
    assert set(found.behaviour.failure) == {0.25}
    assert told(found)["failing runs"].basis == "40 runs"
    assert {told(found)[name].source for name in ("run time", "failing runs")} == {"history"}


def test_few_runs_leave_the_defaults_and_say_so():
    world = a_world()
    world.run("n1", outcome=RunOutcome.FAILED)

    _, found = estimated(world)

    assert set(found.behaviour.failure) == {0.01}
    assert told(found)["failing runs"].source == "default"
    assert "only 1 seen" in told(found)["failing runs"].basis


def test_servers_call_twice_as_often_as_their_contacts_are_old():
    world = a_world()
    for number in range(40):
        world.change(f"n{number}", last_contact_at=NOW - timedelta(minutes=number))

    _, found = estimated(world)

    assert found.behaviour.contact_every[0] == pytest.approx(39 * MINUTE)


def test_who_was_silent_for_a_week_never_calls_again():
    world = a_world()
    world.change("n3", last_contact_at=NOW - timedelta(days=8))
    world.change("n4", last_contact_at=None)

    _, found = estimated(world)

    on = {one for rhythm in found.behaviour.rhythms for one in rhythm.members.tolist()}
    assert set(range(40)) - on == {3, 4}
    assert told(found)["out of contact"].value == "2 computer(s) never call again"


def test_workstations_keep_office_hours_of_their_zone():
    world = a_world(4, **{"class": "workstation", "timezone": "Europe/Rome"})
    world.change("n3", facts={"timezone": "Nowhere"})

    _, found = estimated(world)

    offices = {
        rhythm.zone.key: rhythm.members.tolist()
        for rhythm in found.behaviour.rhythms
        if rhythm.presence is Presence.OFFICE_HOURS
    }
    assert offices == {"Europe/Rome": [0, 1, 2], "UTC": [3]}


def test_unjudged_updates_are_missing_in_the_share_of_those_who_scanned():
    world = a_world(1000)
    names = [f"n{number}" for number in range(500)]
    world.scan(*names[:250], app=UpdateState.MISSING)
    world.scan(*names[250:], app=UpdateState.INSTALLED)
    estate = Estate(world.fleet())

    spread_unjudged(estate, world.catalog(), np.random.default_rng(1))

    (update,) = world.entries
    drawn = len(estate.truth.missing(update)) - 250
    assert 200 < drawn < 300


def test_what_nobody_scanned_for_everybody_misses():
    world = a_world(10)
    estate = Estate(world.fleet())

    spread_unjudged(estate, world.catalog(), np.random.default_rng(1))

    (update,) = world.entries
    assert len(estate.truth.missing(update)) == 10


def test_the_observed_fleet_is_left_as_it_is():
    world = a_world()
    world.scan(app=UpdateState.MISSING)
    fleet = world.fleet()
    estate = Estate(fleet)
    (update,) = world.entries

    estate.contact_at[:] = 0
    estate.truth.install([update], estate.fleet.enrolled, frozenset())
    estate.truth.scan(estate.fleet.enrolled)

    assert len(fleet.in_state(UpdateState.MISSING, update)) == 40
    assert fleet.last_contact_at[0] != 0
    assert not estate.fleet.in_state(UpdateState.MISSING, update)


@pytest.mark.parametrize(
    ("hours", "presence"),
    [
        # 2 March 2026 is a Monday; in Rome it is an hour later than here.
        (range(-24 * 3 + 7, -24 * 3 + 17), Presence.OFFICE_HOURS),
        (range(-24 * 4, -24 * 3), Presence.WEEKDAYS),
        (range(-24 * 7, 0), Presence.ALWAYS),
    ],
)
def test_desks_are_on_when_they_were_heard_of(hours, presence):
    midnight = NOW.replace(hour=0, minute=0)
    world = a_world(40, **{"class": "workstation", "timezone": "Europe/Rome"})
    for number in range(40):
        hour = hours[number * len(hours) // 40]
        heard = midnight + timedelta(hours=hour)
        world.change(f"n{number}", last_contact_at=heard, last_scan_at=heard)

    _, found = estimated(world)

    desks = [one for one in found.behaviour.rhythms if one.zone.key == "Europe/Rome"]
    assert [one.presence for one in desks] == [presence]
    assert told(found)["workstations and portables"].source == "history"


def test_zone_that_is_half_an_hour_off_does_not_make_night_of_morning():
    world = a_world(40, **{"class": "workstation", "timezone": "Asia/Kolkata"})
    morning = NOW.replace(hour=2, minute=35)  # 08:05 there
    for number in range(40):
        world.change(f"n{number}", last_contact_at=morning, last_scan_at=morning)

    _, found = estimated(world)

    desks = [one for one in found.behaviour.rhythms if one.zone.key == "Asia/Kolkata"]
    assert [one.presence for one in desks] == [Presence.OFFICE_HOURS]
