"""Faults of the planner that the comparison found, each expected to fail until it is mended."""

import pytest

from reconciler.model.updates import CatalogEntry, UpdateState
from tests.worlds import PlannerWorld, an_update

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED


@pytest.mark.xfail(reason="S10: required is the version with the revision that the set holds")
def test_revision_leaves_verdicts_on_the_former_one_alone():
    """The release holds revision 1, which every scan so far has judged."""
    world = PlannerWorld()
    world.enrol("ref", ring="reference")
    update = an_update("app")
    world.publish(update)
    world.scan(app=INSTALLED)
    world.step()
    world.version += 1
    world.entries[update.id] = CatalogEntry(update, 2, world.version, world.now)
    world.step()

    assert [one.compliant for one in world.plan().counts if one.phase == "first"] == [1]
