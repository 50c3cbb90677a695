"""Drills in virtual time: sources are read, content arrives, and agents scan when asked (I5)."""

from datetime import timedelta

from reconciler.model.drills import DrillState
from tests.unit.simulation.worlds import a_fleet, a_group, live
from tests.worlds import BASICS, HEADER, LAB_SOURCE, NOW

DRILL = (
    HEADER
    + """
kind: Drill
metadata: {name: fire}
spec: {collection: everybody, schedule: 1d}
"""
)


def test_drill_is_proved_every_day():
    lived = live(a_fleet(a_group("web", 5)), BASICS, DRILL, LAB_SOURCE, days=3.0)
    runs = [lived.simulation.memory.drills[key] for key in sorted(lived.simulation.memory.drills)]

    assert [run.began_at for run in runs] == [NOW + n * timedelta(days=1) for n in range(4)]
    assert {run.state for run in runs[:-1]} == {DrillState.VERIFIED}


def test_dead_agents_leave_a_drill_unproved():
    lived = live(a_fleet(a_group("web", 5, dead="100%")), BASICS, DRILL, days=1.5)

    assert lived.simulation.memory.drills["Drill/fire", 1].state is DrillState.UNVERIFIED
