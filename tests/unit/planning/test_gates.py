"""Every condition of a gate (S14)."""

from datetime import timedelta

import pytest

from reconciler.model.computers import RunOutcome
from reconciler.model.updates import UpdateState
from reconciler.planning.actions import Verb
from tests.worlds import PlannerWorld, an_update

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED
RESTART = UpdateState.PENDING_RESTART
TICK = timedelta(microseconds=1)


def a_world(size=2, gate="{success: 95%}", **phase):
    """Open the first phase on computers `c0` and so on, with this gate and these fields."""
    world = PlannerWorld()
    fields = "".join(f"      {name}: {value}\n" for name, value in phase.items())
    world.edit("      gate: {success: 90%, soak: 1h}\n", f"      gate: {gate}\n{fields}")
    for number in range(size):
        world.enrol(f"c{number}", ring="reference")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    world.step()
    return world


def names(*numbers):
    return [f"c{number}" for number in numbers]


def after_minute(world, *installed):
    """One minute later those install, and all others are heard of."""
    world.pass_time(minutes=1)
    if installed:
        world.install(*installed)
    world.contact(*world.computers)
    world.step()
    return world.state("first")


@pytest.mark.parametrize(
    ("success", "size", "installed", "state"),
    [
        ("95%", 20, 19, "succeeded"),
        ("95%", 20, 18, "open"),
        ("95.000001%", 20, 19, "open"),
        ("33.333333%", 3, 1, "succeeded"),
        ("66.666667%", 3, 2, "open"),
        ("100%", 3, 3, "succeeded"),
        ("100%", 3, 2, "open"),
        ("0.000001%", 3, 0, "open"),
    ],
)
def test_ratio_is_compared_exactly(success, size, installed, state):
    world = a_world(size, f"{{success: {success}}}")

    assert after_minute(world, *names(*range(installed))) == state


@pytest.mark.parametrize(
    ("min_reported", "reported", "state"),
    [(3, 3, "succeeded"), (4, 3, "open"), (9, 3, "open"), (9, 5, "succeeded")],
)
def test_enough_have_to_report_but_never_more_than_counted(min_reported, reported, state):
    """All comply; some of them only by what they said before the opening."""
    world = a_world(5, f"{{success: 50%, minReported: {min_reported}}}")
    for one in world.computers:
        world.change(one, states={"deb:Lab/security/app/1.1": INSTALLED})

    assert after_minute(world, *names(*range(reported))) == state


def test_scan_at_the_instant_of_the_opening_is_no_evidence():
    world = a_world()
    world.scan(app=INSTALLED)
    world.step()
    assert world.state("first") == "open"
    world.now += TICK
    world.scan()
    world.step()

    assert world.state("first") == "succeeded"


def test_run_that_ended_is_evidence_without_a_scan():
    """The states were known before; the run's end says that they were heard of since."""
    world = a_world()
    world.scan(app=INSTALLED)
    world.pass_time(minutes=1)
    for one in world.computers:
        world.run(one)
    world.step()

    assert world.state("first") == "succeeded"


def test_stale_scan_is_no_evidence():
    world = a_world()
    world.pass_time(minutes=1)
    world.scan(app=INSTALLED)
    world.pass_time(days=1, seconds=1)
    world.contact(*world.computers)
    world.step()

    assert world.state("first") == "open"


@pytest.mark.parametrize(
    ("silent_for", "state"),
    [(timedelta(days=7), "succeeded"), (timedelta(days=7) - TICK, "open")],
)
def test_unreachable_ones_are_not_counted(silent_for, state):
    """At exactly `unreachableAfter` without contact one is unreachable."""
    world = a_world(5, "{success: 100%, unreachableAfter: 7d, maxUnreachable: 20%}")
    world.now += silent_for
    world.install(*names(1, 2, 3, 4))
    world.now -= timedelta(seconds=1)
    world.step()

    assert world.state("first") == state


def test_nobody_is_unreachable_without_unreachable_after():
    world = a_world(2, "{success: 100%}")
    world.pass_time(days=300)
    world.install("c1")
    world.step()

    assert world.state("first") == "open"


@pytest.mark.parametrize(("limit", "is_told"), [("40%", False), ("39.999999%", True)])
def test_too_many_unreachable_keep_it_open(limit, is_told):
    gate = f"{{success: 100%, unreachableAfter: 7d, maxUnreachable: {limit}}}"
    world = a_world(5, gate)
    world.pass_time(days=8)
    world.install(*names(2, 3, 4))
    world.step()

    assert (world.state("first") == "open") == is_told
    assert ("TooManyUnreachable" in world.told()) == is_told


@pytest.mark.parametrize(
    ("began", "ended", "scanned", "is_lost"),
    [
        (1, None, None, True),
        (1, 2, None, True),
        (1, 2, 2, True),
        (1, 2, 3, False),
        # The run never ended, whatever a scan in the middle of it said.
        (1, None, 3, True),
        (None, None, None, False),
    ],
)
def test_who_fell_silent_after_a_run_began_stays_counted(began, ended, scanned, is_lost):
    world = a_world(5, "{success: 100%, unreachableAfter: 7d}")
    opened_at = world.now

    def at(minute):
        return None if minute is None else opened_at + timedelta(minutes=minute)

    if began is not None:
        world.run("c0", outcome=RunOutcome.BEGAN, began_at=at(began), ended_at=at(ended))
    if scanned is not None:
        world.change("c0", last_scan_at=at(scanned))
    world.pass_time(days=8)
    world.install(*names(1, 2, 3, 4))
    world.step()

    assert (world.state("first") == "open") == is_lost


def test_lost_one_stays_counted_after_a_retry():
    """A retry forgets failures; who is lost may still be broken (S14)."""
    world = a_world(2, "{success: 100%, unreachableAfter: 7d, maxUnreachable: 50%}")
    world.pass_time(minutes=1)
    world.run("c0", outcome=RunOutcome.BEGAN, ended_at=None)
    world.pass_time(days=8)
    world.install("c1")
    world.step()
    assert world.state("first") == "halted"
    world.edit("  releases: {every: 1h}\n", "  resume: {token: t, how: retry, reason: r, by: b}\n")
    world.step()
    world.pass_time(minutes=1)
    world.scan("c1")
    world.step()

    assert world.state("first") == "open"


@pytest.mark.parametrize(("late_by", "state"), [(-TICK, "succeeded"), (0 * TICK, "open")])
def test_late_one_is_not_counted_within_its_grace(late_by, state):
    world = a_world(2, "{success: 100%, soak: 2h}", grace="3h")
    after_minute(world, *names(0, 1))
    world.enrol("late", ring="reference")
    world.step()
    world.now += timedelta(hours=3) + late_by
    world.scan("c0", "c1")
    world.step()

    assert world.state("first") == state


def test_late_one_that_reported_is_counted_at_once():
    world = a_world(2, "{success: 100%, soak: 2h}", grace="3h")
    after_minute(world, *names(0, 1))
    world.enrol("late", ring="reference")
    world.step()
    world.pass_time(minutes=1)
    world.scan("late", app=MISSING)
    world.step()

    assert world.record("first").soak_since is None


@pytest.mark.parametrize(
    ("rule", "state", "is_told"), [("accept", "succeeded", False), ("wait", "open", True)]
)
def test_pending_restarts_wait_or_are_accepted(rule, state, is_told):
    world = a_world(2, f"{{success: 100%, pendingRestart: {rule}}}")
    world.pass_time(minutes=1)
    world.scan(app=RESTART)
    world.step()

    assert world.state("first") == state
    assert ("AwaitingRestarts" in world.told()) == is_told


@pytest.mark.parametrize(
    ("gate", "state"),
    [("{allowEmpty: true}", "succeeded"), ("{allowEmpty: true, soak: 1h}", "open"), ("{}", "open")],
)
def test_empty_target_passes_only_where_allowed(gate, state):
    world = a_world(0, gate)

    empty = [one.subject for one in world.plan().conditions if one.type == "EmptyTarget"]
    assert world.state("first") == state
    assert ("Rollout/monthly/1/first" in empty) == (gate == "{}")


def test_nothing_counted_never_passes():
    world = a_world(1, "{unreachableAfter: 7d, maxUnreachable: 100%, allowEmpty: true}")
    world.pass_time(days=8)
    world.step()

    assert world.state("first") == "open"


@pytest.mark.parametrize(("size", "minutes", "is_told"), [(1, 60, True), (1, 59, False)])
def test_open_for_within_is_overdue(size, minutes, is_told):
    world = a_world(size, "{within: 1h}")
    world.pass_time(minutes=minutes)

    assert ("Overdue" in world.told()) == is_told


def test_empty_phase_is_overdue_too():
    world = a_world(0, "{within: 1h}")
    world.pass_time(hours=1)

    assert {"EmptyTarget", "Overdue"} <= world.told()


@pytest.mark.parametrize(
    ("hours", "reported", "is_told"), [(24, 2, True), (24, 1, False), (23, 2, False)]
)
def test_gate_is_missed_when_all_reported_and_the_deadline_is_past(hours, reported, is_told):
    world = a_world()
    world.pass_time(hours=hours)
    world.scan(*names(*range(reported)))

    assert ("GateMissed" in world.told()) == is_told


def test_gate_without_a_deadline_is_never_missed():
    world = a_world()
    world.edit("      deadline: 1d\n", "")
    world.pass_time(days=30)
    world.scan()

    assert "GateMissed" not in world.told()


def soaking():
    """Let the gate hold, one hour before its end."""
    world = a_world(2, "{success: 50%, soak: 1h}")
    world.publish(an_update("lib"))
    after_minute(world, *names(0, 1))
    assert world.record("first").soak_since == world.now
    return world


def suspend(world):
    world.edit("  releases: {every: 1h}\n", "  suspend: {reason: fire, by: ines}\n")


def read_nothing(world):
    world.fresh = False


def put_off(world):
    world.edit("{group: rollup}", "{group: rollup, from: 2026-04-01T00:00:00Z}")


def end(world):
    world.edit("{group: rollup}", "{group: rollup, until: 2026-03-02T09:01:00Z}")


@pytest.mark.parametrize("stop", [suspend, read_nothing, put_off, end])
def test_soak_is_stopped(stop):
    world = soaking()
    world.pass_time(minutes=1)
    stop(world)
    plan = world.step()

    assert Verb.RESET_SOAK in [action.verb for action in plan.actions]
    assert world.record("first").soak_since is None


def test_change_of_the_release_starts_the_soak_again():
    world = PlannerWorld()
    world.enrol("c0", ring="reference")
    world.publish(an_update("app"), an_update("lib"))
    world.scan(app=INSTALLED, lib=INSTALLED)
    world.step()
    world.pass_time(minutes=1)
    world.scan()
    world.step()
    world.pass_time(minutes=30)
    world.edit("{group: rollup}", '{group: rollup, except: ["deb:Lab/security/lib/1.1"]}')
    world.step()

    assert world.record("first").soak_since == world.now
    assert world.plan().actions == ()


@pytest.mark.parametrize(("heard_of", "state"), [(2, "succeeded"), (1, "open")])
def test_end_of_the_soak_asks_for_contact_since_its_start(heard_of, state):
    world = a_world(3, "{success: 100%, soak: 1h, minReported: 2}")
    after_minute(world, *names(0, 1, 2))
    world.now += TICK
    for name in world.computers:
        world.change(name, last_contact_at=world.record("first").soak_since - TICK)
    world.change(*names(*range(heard_of)), last_contact_at=world.record("first").soak_since)
    world.pass_time(hours=1)
    world.step()

    assert world.state("first") == state


def test_lost_ones_count_among_the_unreachable():
    """Two of four are silent, one of them since its run began: half is more than a quarter."""
    world = PlannerWorld()
    world.edit(
        "gate: {success: 90%, soak: 1h}",
        "gate: {success: 50%, unreachableAfter: 2h, maxUnreachable: 25%}",
    )
    world.edit("      halt: {failures: 50%}\n", "")
    for name in ("lost", "silent", "c1", "c2"):
        world.enrol(name, ring="reference")
    world.publish(an_update("app"))
    world.scan(app=UpdateState.MISSING)
    world.step()
    world.pass_time(minutes=1)
    world.run("lost", ended_at=None)
    world.pass_time(hours=3)
    world.install("c1", "c2")
    world.step()

    assert "TooManyUnreachable" in world.told()
    assert world.state("first") == "open"
