"""The plan and the reference agree on every step of every story."""

import os

import pytest
from hypothesis import event, given, note, seed, settings

from tests.reference.comparing import Pair
from tests.reference.events import beginnings, stories

STORIES = int(os.environ.get("PATCHWRIGHT_REFERENCE_STORIES", "240"))
FIRST_SEED = int(os.environ.get("PATCHWRIGHT_REFERENCE_SEED", "0"))
PARTS = 4
PLANS_PER_STORY = 6
"""Stories get so far on the average; shorter ones would compare little."""


@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
def test_plan_is_what_the_reference_thinks(part, record_property):
    """In parts, so that several processes share them; tells how many plans were compared."""
    compared = 0

    @seed(FIRST_SEED * PARTS + part)
    @settings(max_examples=STORIES // PARTS, deadline=None)
    @given(beginnings(), stories)
    def compare(stage, story):
        nonlocal compared
        both = Pair(stage)
        for number, happenings in enumerate([[], *story]):
            note(f"step {number}: {happenings}")
            both.happen(happenings)
            both.agree()
        compared += both.compared
        for record in stage.world.memory.phases.values():
            event(f"a phase is {record.state.value}")

    compare()
    record_property("plans compared", compared)
    assert compared >= PLANS_PER_STORY * (STORIES // PARTS)
