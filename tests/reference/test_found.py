"""Faults of the planner that the comparison found, each expected to fail until it is mended."""

import pytest

from reconciler.model.updates import CatalogEntry, UpdateState
from tests.worlds import PlannerWorld, an_update

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED
GATE = "{success: 50%, unreachableAfter: 2h, maxUnreachable: 25%}"


@pytest.mark.xfail(reason="S14: unreachable is who had no contact, also those who are lost")
def test_lost_ones_count_among_the_unreachable():
    """Two of four are silent, one of them since its run began: half is more than a quarter."""
    world = PlannerWorld()
    world.edit("gate: {success: 90%, soak: 1h}", f"gate: {GATE}")
    world.edit("      halt: {failures: 50%}\n", "")
    for name in ("lost", "silent", "c1", "c2"):
        world.enrol(name, ring="reference")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    world.step()
    world.pass_time(minutes=1)
    world.run("lost", ended_at=None)
    world.pass_time(hours=3)
    world.install("c1", "c2")
    world.step()

    assert "TooManyUnreachable" in world.told()
    assert world.state("first") == "open"


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
