import pytest

from tests.unit.planning.test_windows import a_world


@pytest.mark.parametrize(
    ("minutes", "is_told"), [(None, False), (4, False), (5, True), (-1440, True), ("much", False)]
)
def test_clock_that_is_off_by_more_than_five_minutes_is_told(minutes, is_told):
    world = a_world()
    world.change("a", facts={} if minutes is None else {"clock.skew.minutes": minutes})

    assert ("ClockSkew" in world.told()) == is_told
