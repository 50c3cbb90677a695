"""The plan and the reference agree on every step of every story."""

import os

import pytest
from hypothesis import event, given, note, seed, settings

from tests.reference.comparing import Pair
from tests.reference.events import beginnings, stories

STORIES = int(os.environ.get("PATCHWRIGHT_REFERENCE_STORIES", "40"))
PARTS = 2


@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
def test_plan_is_what_the_reference_thinks(part):
    """In parts, so that several processes share them."""

    @seed(part)
    @settings(max_examples=STORIES // PARTS, deadline=None)
    @given(beginnings(), stories)
    def compare(stage, story):
        both = Pair(stage)
        for number, happenings in enumerate([[], *story]):
            note(f"step {number}: {happenings}")
            both.happen(happenings)
            both.agree()
        for record in stage.world.memory.phases.values():
            event(f"a phase is {record.state.value}")

    compare()
