"""Whatever a fleet is like, agents keep the rules that the site gives them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.simulation.worlds import a_fleet, a_group, live
from tests.worlds import BASICS

NIGHT = (
    'maintenanceWindows: [{name: n, recurrence: "FREQ=DAILY;BYDAY=MO,WE", start: "20:00",'
    " duration: 3h, timezone: UTC}]"
)
MANIFEST = BASICS.replace("maintenanceWindows: always", NIGHT).replace(
    "releases: {every: 1h}", "releases: {every: 1h}\n  budget: {concurrent: 3}"
)
groups = st.builds(
    a_group,
    name=st.just("web"),
    count=st.integers(1, 30),
    online=st.sampled_from(["always", "officeHours", "weekdays"]),
    zones=st.sampled_from([{"UTC": 1}, {"Asia/Tokyo": 2, "America/New_York": 1}]),
    dead=st.sampled_from(["0%", "30%"]),
    runs=st.fixed_dictionaries(
        {"failure": st.sampled_from(["0%", "40%"]), "sigma": st.sampled_from([0.0, 1.5])}
    ),
)


@given(groups, st.integers(0, 100))
@settings(max_examples=8, deadline=None)
def test_nothing_starts_outside_windows_over_budget_or_after_a_halt(group, seed):
    lived = live(a_fleet(group), MANIFEST, days=4, seed=seed)

    for at, _ in lived.starts():
        assert at.weekday() in {0, 2}
        assert 20 <= at.hour < 22 or (at.hour, at.minute) == (22, 0)
    assert all(moment.tally.disrupted <= 6 for moment in lived.moments)
    halts = [one.halted_at for one in lived.simulation.memory.phases.values() if one.halted_at]
    assert all(at <= halt for at, _ in lived.starts() for halt in halts)
    opened = lived.opened_at("rest")
    web = [at for at, name in lived.starts() if name.startswith("web")]
    assert not web or (opened is not None and min(web) >= opened)
