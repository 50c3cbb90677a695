"""Faults of the planner that the comparison found: each is mended and stays so."""

from reconciler.model.updates import UpdateState
from tests.worlds import PlannerWorld, an_update

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED


def test_revision_leaves_verdicts_on_the_former_one_alone():
    """The release holds revision 1, which every scan so far has judged."""
    world = PlannerWorld()
    world.enrol("ref", ring="reference")
    update = an_update("app")
    world.publish(update)
    world.scan(app=INSTALLED)
    world.step()
    world.revise(update.id)
    world.step()

    assert [one.compliant for one in world.plan().counts if one.phase == "first"] == [1]
