"""A drill with real agents: the advertisement reaches them by policy, and their scans prove it."""

import json
from datetime import timedelta

import pytest

from reconciler.model.drills import DrillState
from tests.e2e.site import NEW, OLD, make_package, writing

pytestmark = pytest.mark.e2e

DRILL = """\
apiVersion: patchwright.dev/v1alpha1
kind: Drill
metadata: {name: fire}
spec: {collection: reference, schedule: 1d, targets: {advertised: 8s, verified: %s}}
"""
WITHIN = timedelta(seconds=40)
AFTER_2099 = ("rollout.yaml", "spec:\n", "spec:\n  suspend: {reason: drill, by: ines}\n")


@pytest.fixture
def three(world):
    """Two machines of the ring that practises and another one; all miss an update."""
    world.add_machines("reference-1", "reference-2", "web-1")
    world.publish(make_package("app", NEW))
    world.edit(*AFTER_2099)
    world.begin()
    world.wait_for(lambda: scanned(world, 3), "three machines to have scanned", WITHIN)
    return world


def scanned(world, count):
    return sum(one.last_scan_at is not None for one in world.computers().values()) == count


def practise(world, verified="30s"):
    world.commit("Practise", {"drill.yaml": writing(DRILL % verified)})


def run_of(world):
    return world.memory().drills.get(("Drill/fire", 1))


def wait_until_state(world, state):
    def has_come():
        run = run_of(world)
        return run is not None and run.state is state

    world.wait_for(has_come, f"the drill to be {state.value}", WITHIN)


def test_agents_prove_a_drill_by_the_scans_that_their_policy_asks_for(three):
    before = three.computer("web-1").last_scan_at
    practise(three)
    wait_until_state(three, DrillState.VERIFIED)
    run = run_of(three)
    three.wait_for(lambda: "DrillMet" in three.conditions(), "the drill to be told of", WITHIN)
    status = three.command("status").stdout
    explained = json.loads(
        three.patchwright("explain", "drill", "fire", "--site", str(three.site), "--output", "json")
    )

    advertised_at = run.entered_at(DrillState.ADVERTISED)
    for name in ("reference-1", "reference-2"):
        assert three.computer(name).last_scan_at > advertised_at
        assert not three.has_run(name)
        assert three.versions(name)["app"] == OLD
    assert three.computer("web-1").last_scan_at == before
    assert run.took(DrillState.VERIFIED) < timedelta(seconds=30)
    assert not three.offers()
    assert "Drill/fire run 1: Staging after" in status
    assert (explained["state"], explained["missed"]) == ("Verified", [])


def test_machine_that_is_off_misses_the_target_and_proves_the_drill_when_it_is_back(three):
    agent = three.agents["reference-2"]
    agent.stop()
    practise(three, verified="8s")
    three.wait_for(lambda: "DrillMissed" in three.conditions(), "the target to be missed", WITHIN)
    late = json.loads(
        three.patchwright("explain", "drill", "fire", "--site", str(three.site), "--output", "json")
    )
    assert [one["computer"] for one in late["late"]] == ["reference-2"]

    agent.start()
    wait_until_state(three, DrillState.VERIFIED)

    assert run_of(three).took(DrillState.VERIFIED) > timedelta(seconds=8)
    assert "DrillMissed" in three.conditions()
