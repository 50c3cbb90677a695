"""Two machines with one credential are named, and nothing is offered to them (L3)."""

from dataclasses import replace

from reconciler.model.computers import CLONED
from reconciler.model.updates import UpdateState
from tests.worlds import PlannerWorld, an_update


def test_cloned_computer_is_named_and_offered_nothing():
    world = PlannerWorld()
    world.enrol("ref", ring="reference")
    world.publish(an_update("app"))
    world.scan(app=UpdateState.MISSING)
    world.step()
    world.capture()
    assert world.policy("ref").offers
    known = world.computers["ref"]
    apart = replace(known, quarantine=CLONED)
    world.computers["ref"] = replace(apart, facts={**known.facts, **apart.site_facts})

    assert "Quarantined" in world.told()
    assert {one.subject for one in world.plan().conditions if one.type == "Quarantined"} == {
        "Computer/ref"
    }
    policy = world.policy("ref")
    assert (policy.offers, policy.enforce) == ((), False)
