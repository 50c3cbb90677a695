"""What is so on computers, and what scans have told of it."""

import pytest
from pyroaring import BitMap

from reconciler.model.updates import UpdateState
from reconciler.simulation.truth import Truth
from tests.worlds import PlannerWorld, an_update

APP = an_update("app")


@pytest.mark.parametrize("state", [UpdateState.INSTALLED, UpdateState.PENDING_RESTART])
def test_what_is_removed_is_missing_once_a_scan_says_so(state):
    world = PlannerWorld()
    world.enrol("one")
    world.enrol("two")
    world.publish(APP)
    world.scan(app=state)
    fleet = world.fleet()
    truth = Truth(fleet)

    truth.remove([APP.id], BitMap([0]))
    assert fleet.in_state(state, APP.id) == BitMap([0, 1])
    truth.scan(BitMap([0, 1]))

    assert fleet.in_state(state, APP.id) == BitMap([1])
    assert fleet.in_state(UpdateState.MISSING, APP.id) == BitMap([0])
