"""How releases reach machines: a whole site, real agents, and what dpkg has in the end."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.messages import StatusId
from reconciler.model.rollouts import PhaseState
from reconciler.model.updates import UpdateState
from tests.e2e.site import BREAKS, NEW, OLD, make_package, replacing, update_of, writing

pytestmark = pytest.mark.e2e

APP, TOOL = update_of("app"), update_of("tool")
AFTER_PREVIOUS = "opens: {after: previous}"
AFTER_2099 = "opens: {after: previous, notBefore: 2099-01-01T00:00:00Z}"
SUSPENDED = """\
spec:
  suspend: {reason: the line is busy, by: ines}
  authorization: web
"""
NOT_SUSPENDED = "spec:\n  authorization: web\n"
REJECTION = f"""\
apiVersion: patchwright.dev/v1alpha1
kind: Rejection
metadata: {{name: app}}
spec: {{updates: ["{APP}"], reason: loses mail, by: ines}}
"""


@pytest.fixture
def two(world):
    """One machine of each ring, and an update for both."""
    world.add_machines("reference-1", "web-1")
    world.publish(make_package("app", NEW))
    return world


@pytest.fixture
def bad(world):
    """A good update, and one whose install script fails where a file says so."""
    world.add_machines("reference-1", "reference-2", "web-1", "web-2", packages=("app", "tool"))
    world.publish(make_package("app", NEW), make_package("tool", NEW, fails=f"test -e /{BREAKS}"))
    return world


def halt_production(world):
    """Let web-1 break in production, after the reference machine did not."""
    (world.machines["web-1"].root / BREAKS).touch()
    world.begin("reference-1", "web-1")
    world.wait_until_state(PhaseState.HALTED, "production")


def test_release_reaches_the_reference_first_and_then_everyone(two):
    two.begin()
    two.wait_until_converged(1)
    (started,) = two.messages("web-1", StatusId.PROGRAM_STARTED)
    (installed,) = two.messages("reference-1", StatusId.PROGRAM_SUCCEEDED)

    assert [two.versions(name)["app"] for name in two.machines] == [NEW, NEW]
    assert installed.at < two.phase("reference").succeeded_at <= started.at


def test_converged_site_plans_nothing_and_writes_nothing(two):
    two.begin()
    two.wait_until_converged(1)
    plan, status = two.command("plan"), two.command("status")
    rows = two.dump()

    assert (plan.returncode, plan.stdout.splitlines()[0]) == (0, "nothing to do")
    assert (status.returncode, status.stdout.splitlines()[-1]) == (0, "converged")
    assert two.stays(lambda: two.dump() == rows, 3)


def test_failing_install_halts_the_whole_release(bad):
    halt_production(bad)
    (failed,) = bad.messages("web-1", StatusId.PROGRAM_FAILED)
    bad.wait_for(lambda: "Halted" in bad.conditions(), "the halt to be told")
    status = bad.command("status")

    assert (failed.reason, failed.exit_code) == ("exitCode", 100)
    assert {offer.phase: offer.held for offer in bad.offers()} == {
        "reference": True,
        "production": True,
    }
    assert status.returncode == 2
    assert f"Halted: Rollout/web/1/production: too many runs failed; except {TOOL}" in status.stdout


def test_halted_release_starts_on_nobody_else(bad):
    halt_production(bad)
    bad.enrol("reference-2", "web-2")
    bad.wait_until_missing(TOOL, "reference-2", "web-2")

    assert bad.stays(lambda: not (bad.has_run("reference-2") or bad.has_run("web-2")))
    assert [bad.versions(name)["app"] for name in ("reference-2", "web-2")] == [OLD, OLD]


def test_halt_in_the_first_phase_keeps_production_closed(bad):
    (bad.machines["reference-1"].root / BREAKS).touch()
    bad.begin("reference-1", "web-1")
    bad.wait_until_state(PhaseState.HALTED, "reference")
    bad.wait_until_missing(TOOL, "web-1")

    assert bad.stays(lambda: bad.phase("production") is None)
    assert bad.versions("web-1")["app"] == OLD


def test_excepting_the_bad_update_lets_the_rest_go_on(bad):
    halt_production(bad)
    bad.enrol("web-2")
    bad.wait_until_missing(TOOL, "web-2")
    bad.edit("rollout.yaml", "group: security", f'group: security\n  except: ["{TOOL}"]')
    bad.wait_until_converged(1)

    assert bad.offered() == {APP}
    assert not any(offer.held for offer in bad.offers())
    assert [bad.versions(name)["app"] for name in ("web-1", "web-2")] == [NEW, NEW]
    assert bad.versions("web-2")["tool"] == OLD


def test_late_machine_joins_its_phase_by_itself(two):
    two.begin("reference-1")
    two.wait_until_state(PhaseState.OPEN, "production")
    two.enrol("web-1")
    two.wait_until_converged(1)
    joined = two.memory().memberships["web", 1, "production"]

    assert two.computer("web-1").ordinal in joined.members
    assert two.versions("web-1")["app"] == NEW


def test_update_installed_by_hand_is_not_run_again(two):
    by_hand = two.machines["web-1"]
    by_hand.apt("update")
    by_hand.apt("install", "app")
    assert two.versions("web-1")["app"] == NEW
    two.begin()
    two.wait_until_converged(1)

    assert (two.has_run("reference-1"), two.has_run("web-1")) == (True, False)


def test_update_that_comes_after_the_opening_waits_for_the_next_release(world):
    world.add_machines("reference-1", "web-1", packages=("app", "tool"))
    world.publish(make_package("app", NEW))
    world.edit("rollout.yaml", "releases: {every: 1s}", "releases: {every: 1d}")
    world.edit("rollout.yaml", AFTER_PREVIOUS, AFTER_2099)
    world.begin()
    world.wait_until_state(PhaseState.SUCCEEDED, "reference")
    world.publish(make_package("tool", NEW))
    world.patchwright("catalog", "sync", "--site", str(world.site))
    world.wait_until_missing(TOOL, "reference-1", "web-1")
    world.edit("rollout.yaml", AFTER_2099, AFTER_PREVIOUS)
    world.wait_until_converged(1)

    assert world.offered(1) == {APP}
    assert "ReleaseWaiting" in world.conditions()
    assert [world.versions(name)["tool"] for name in world.machines] == [OLD, OLD]


def test_next_release_begins_with_the_first_phase(world):
    world.add_machines("reference-1", "web-1", packages=("app", "tool"))
    world.publish(make_package("app", NEW))
    world.begin()
    world.wait_until_converged(1)
    world.publish(make_package("tool", NEW))
    world.patchwright("catalog", "sync", "--site", str(world.site))
    world.wait_until_converged(2)
    opened = world.phase("production", 2).opened_at

    assert (world.offered(1), world.offered(2)) == ({APP}, {APP, TOOL})
    assert world.phase("reference", 2).succeeded_at <= opened
    assert [world.versions(name)["tool"] for name in world.machines] == [NEW, NEW]


def test_observing_site_installs_nothing_until_git_says_enforce(two):
    two.edit("site.yaml", "mode: enforce", "mode: observe")
    two.begin()
    two.wait_until_missing(APP, "reference-1", "web-1")
    plan, status = two.command("plan"), two.command("status")
    observed = two.stays(lambda: not two.offers())
    before = [two.versions(name)["app"] for name in two.machines]
    two.edit("site.yaml", "mode: observe", "mode: enforce")
    two.wait_until_converged(1)

    assert (plan.returncode, plan.stdout.split()[0]) == (2, "CutRelease")
    assert (status.returncode, "withheld: the site observes" in status.stdout) == (2, True)
    assert (observed, before) == (True, [OLD, OLD])
    assert [two.versions(name)["app"] for name in two.machines] == [NEW, NEW]


def test_suspended_rollout_holds_until_it_is_lifted(two):
    two.start_server()
    two.wait_until_state(PhaseState.OPEN, "reference")
    two.wait_until_applied(two.edit("rollout.yaml", NOT_SUSPENDED, SUSPENDED))
    two.enrol(*two.machines)
    two.wait_until_missing(APP, "reference-1", "web-1")
    kept = two.stays(lambda: not two.has_run("reference-1"))
    held = [offer.held for offer in two.offers()]
    two.edit("rollout.yaml", SUSPENDED, NOT_SUSPENDED)
    two.wait_until_converged(1)

    assert (kept, held) == (True, [True])
    assert [two.versions(name)["app"] for name in two.machines] == [NEW, NEW]


def far_window():
    """A window of one hour a year, about half a year from now."""
    day = datetime.now(UTC) + timedelta(days=180)
    rule = f"FREQ=YEARLY;BYMONTH={day.month};BYMONTHDAY={min(day.day, 28)}"
    text = f'{{name: far, recurrence: "{rule}", start: "12:00", duration: 1h, timezone: UTC}}'
    return f"maintenanceWindows: [{text}]"


def test_machines_wait_for_their_maintenance_window(two):
    window = far_window()
    two.edit("collections.yaml", "maintenanceWindows: always", window)
    two.begin()
    two.wait_until_missing(APP, "reference-1")
    two.wait_until_state(PhaseState.OPEN, "reference")
    waited = two.stays(lambda: not two.has_run("reference-1"))
    two.edit("collections.yaml", window, "maintenanceWindows: always")
    two.wait_until_converged(1)

    assert waited
    assert [two.versions(name)["app"] for name in two.machines] == [NEW, NEW]


def test_rejection_takes_an_update_out_everywhere(world):
    world.add_machines("reference-1", "web-1", packages=("app", "tool"))
    world.publish(make_package("app", NEW), make_package("tool", NEW))
    world.edit("rollout.yaml", AFTER_PREVIOUS, AFTER_2099)
    world.begin()
    world.wait_until_state(PhaseState.SUCCEEDED, "reference")
    edits = {"rollout.yaml": replacing(AFTER_2099, AFTER_PREVIOUS)}
    world.commit("Reject app", {"rejection.yaml": writing(REJECTION), **edits})
    world.wait_until_converged(1)

    assert world.offered() == {TOOL}
    assert {offer.updates for offer in world.offers()} == {(TOOL,)}
    assert world.computer("web-1").states[APP] is UpdateState.MISSING
    assert (world.versions("web-1")["app"], world.versions("web-1")["tool"]) == (OLD, NEW)
