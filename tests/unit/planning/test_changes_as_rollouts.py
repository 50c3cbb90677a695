"""Emergencies go through phases as rollouts do; strategies fill in what rollouts leave out."""

from datetime import timedelta
from fractions import Fraction

import pytest

from reconciler.desired.expansion import expand
from reconciler.model.updates import UpdateState
from tests.worlds import HEADER, PlannerWorld, an_update, load_desired

BLASTER = "EmergencyChange/blaster"
EMERGENCY = (
    HEADER
    + """
kind: EmergencyChange
metadata: {name: blaster}
spec:
  bulletin: MS03-039
  updates: ["deb:Lab/security/app/1.1"]
  reference: reference
  production: [everybody]
"""
)


@pytest.fixture
def world():
    world = PlannerWorld()
    world.manifests[0] = world.manifests[0].split("---\napiVersion")[0] + "".join(
        f"---\napiVersion{part}"
        for part in world.manifests[0].split("---\napiVersion")[1:]
        if "kind: Collection" in part
    )
    world.manifests.append(EMERGENCY)
    world.publish(an_update("app"))
    world.enrol("ref", ring="reference")
    world.enrol("web")
    return world


def test_an_emergency_goes_from_the_reference_computers_to_production(world):
    world.scan(app=UpdateState.MISSING)
    world.step()
    assert world.targets("reference", rollout=BLASTER) == {"ref"}
    assert world.state("everybody", rollout=BLASTER) == "pending"

    world.install("ref", rollout=BLASTER)
    world.step()

    assert world.targets("everybody", rollout=BLASTER) == {"web"}


def test_its_objects_and_causes_name_its_manifest(world):
    plan = world.step()

    assert {(action.cause.kind, action.cause.name) for action in plan.actions} == {
        ("EmergencyChange", "blaster")
    }
    assert {(offer.owner.kind, offer.owner.name) for offer in world.offers()} == {
        ("EmergencyChange", "blaster")
    }


def test_asap_is_due_when_the_phase_opens(world):
    world.step()

    (offer,) = world.offers()
    assert offer.mandatory_at == offer.available_at


def test_its_phases_have_a_gate_and_a_halt_of_their_own(world):
    phases = expand(load_desired(*world.manifests)).rollouts[BLASTER].document.spec.phases

    assert {phase.gate and phase.gate.success for phase in phases} == {Fraction(98, 100)}
    assert {phase.halt and phase.halt.min_reported for phase in phases} == {5}


def test_an_emergency_that_leaves_git_leaves_nothing(world):
    world.step()
    world.manifests.pop()
    world.step()

    assert world.offers() == []
    assert not world.memory.releases


def test_a_strategy_fills_in_what_the_rollout_does_not_write():
    strategy = (
        HEADER
        + """
kind: RolloutStrategy
metadata: {name: standard}
spec:
  recurrence: 3d
  priority: low
  phases: [{name: only, collection: everybody}]
---
"""
        + HEADER
        + """
kind: Rollout
metadata: {name: other}
spec: {authorization: monthly, strategy: standard, priority: high}
"""
    )
    world = PlannerWorld()
    world.manifests.append(strategy)
    world.publish(an_update("app"))
    world.step()

    offers = [offer for offer in world.offers() if offer.rollout == "other"]
    assert [(one.phase, one.recurrence) for one in offers] == [("only", timedelta(days=3))]
    priorities = {one.rollout: one.priority for one in world.memory.packages.values()}
    assert priorities["other"] == "high"
