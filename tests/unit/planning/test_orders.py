"""What a rollout says of runs reaches the agents as an order."""

from datetime import timedelta

import pytest

from reconciler.model.orders import HookOrder, Reminder, RestartOrder, UserRights
from tests.worlds import PlannerWorld, an_update

SETTINGS = """
  restart: {servers: force, grace: 5m}
  user: {postpone: false, notify: [{before: 2d}, {before: 3h, every: 1h}]}
  hooks: {before: drain, timeout: 3m}
  content: {mode: repository}
"""


@pytest.fixture
def world():
    world = PlannerWorld()
    world.edit(
        "  releases: {every: 1h}\n", "  releases: {every: 1h}\n" + SETTINGS.strip("\n") + "\n"
    )
    world.publish(an_update("app"))
    world.enrol("ref", ring="reference")
    return world


def offered(world):
    world.step()
    return world.offers()[0].order


def test_a_rollouts_settings_are_the_order(world):
    order = offered(world)

    assert order.restart == RestartOrder("force", "if-required", timedelta(minutes=5))
    reminders = (
        Reminder(timedelta(days=2)),
        Reminder(timedelta(hours=3), timedelta(hours=1)),
    )
    assert order.user == UserRights(available=True, postpone=False, reminders=reminders)
    assert order.hooks == HookOrder("drain", "", timedelta(minutes=3))
    assert order.content == "repository"


def test_what_a_phase_says_itself_stands_in_its_place_whole(world):
    world.edit("      deadline: 1d\n", "      deadline: 1d\n      restart: {}\n      spread: 2h\n")

    order = offered(world)

    assert order.restart == RestartOrder()
    assert order.spread == timedelta(hours=2)


def test_restarts_have_windows_of_their_own(world):
    world.edit(
        "maintenanceWindows: always",
        'maintenanceWindows: [{name: r, recurrence: "FREQ=DAILY", start: "10:00", duration: 1h,'
        ' timezone: UTC, for: restarts}, {name: u, recurrence: "FREQ=DAILY", start: "20:00",'
        " duration: 4h, timezone: UTC, for: updates}]",
    )
    world.step()
    windows = world.policy("ref").windows

    assert {opens_at.hour for opens_at, _ in windows.restarts} == {10}
    assert {opens_at.hour for opens_at, _ in windows.updates} == {20}
