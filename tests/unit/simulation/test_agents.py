"""What the modelled agents do and leave undone, each rule by itself."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from reconciler.model.rollouts import PhaseState
from reconciler.model.times import UTC
from reconciler.simulation.lateness import Reason
from tests.unit.simulation.worlds import STEP, a_fleet, a_group, live
from tests.worlds import BASICS, NOW

pytestmark = pytest.mark.timeout(20)  # days of virtual time, on a machine that may be busy
NIGHT = (
    'maintenanceWindows: [{name: n, recurrence: "FREQ=DAILY", start: "22:00", duration: 4h,'
    " timezone: local}]"
)
AT_NIGHT = BASICS.replace("maintenanceWindows: always", NIGHT)
ELSEWHERE = f"""
apiVersion: patchwright.dev/v1alpha1
kind: Collection
metadata: {{name: elsewhere}}
spec: {{computers: [nobody], {NIGHT}}}
"""
SCAN_AT_ONCE = """
apiVersion: patchwright.dev/v1alpha1
kind: ScanPolicy
metadata: {name: all}
spec: {collection: everybody, firstScanWithin: 1m}
"""
LATER = "opens: {notBefore: 2026-03-07T06:00:00Z}"
NO_WINDOWS = BASICS.replace(", maintenanceWindows: always", "")


def hours(moment):
    return moment.hour + moment.minute / 60


def test_fleet_without_any_chance_goes_exactly_as_written():
    """All scan in the first tick, start in the second, report in the third, and soak an hour."""
    lived = live(a_fleet(), BASICS, SCAN_AT_ONCE)

    assert {at for at, name in lived.starts() if name.startswith("ref")} == {NOW + 2 * STEP}
    soaked = NOW + 3 * STEP + timedelta(hours=1)
    assert lived.record("first").succeeded_at == lived.opened_at("rest") == soaked
    assert {at for at, name in lived.starts() if name.startswith("web")} == {soaked + STEP}
    assert lived.record("rest").state is PhaseState.SUCCEEDED
    assert lived.counts()["rest"].compliant == 10


def test_nobody_starts_outside_the_windows_of_its_zone():
    lived = live(a_fleet(a_group(zones={"Asia/Tokyo": 1})), AT_NIGHT)

    tokyo = [hours(at) for at, name in lived.starts() if name.startswith("web")]
    utc = [hours(at) for at, name in lived.starts() if name.startswith("ref")]
    # 22:00 in Tokyo is 13:00 UTC; a run of at most an hour has to fit.
    assert len(tokyo) == 10
    assert all(13 <= one <= 16 for one in tokyo)
    assert all(one >= 22 or one <= 1 for one in utc)


def test_run_that_does_not_fit_the_window_is_not_begun():
    lived = live(a_fleet(), AT_NIGHT.replace("duration: 4h", "duration: 59m"), ELSEWHERE)

    assert lived.starts() == []
    assert lived.missed()["first"].reasons == {Reason.NO_WINDOW_BEFORE: 3}


def test_nobody_starts_without_windows():
    lived = live(a_fleet(), NO_WINDOWS)

    assert lived.starts() == []
    assert lived.missed()["first"].reasons == {Reason.NO_WINDOW: 3}


def test_deadline_that_the_grace_moves_is_missed_when_it_has_come():
    """S17: a deadline is never earlier than the opening and the grace."""
    lived = live(a_fleet(), NO_WINDOWS.replace("deadline: 1d", "deadline: 1d\n      grace: 2d"))

    [missed] = [one for moment in lived.moments for one in moment.missed if one.late]
    assert missed.deadline_at == NOW + timedelta(days=2)
    assert missed.reasons == {Reason.NO_WINDOW: 3}


def test_local_deadline_is_missed_in_each_zone_at_its_own_instant():
    zones = {"America/New_York": 1}
    fixed = NO_WINDOWS.replace("deadline: 1d", "deadline: 2026-03-03T00:00:00Z")
    local = fixed.replace("releases: {every: 1h}", "releases: {every: 1h}\n  timeBasis: local")
    lived = live(a_fleet(a_group("ny", 4, "reference", zones=zones)), local)

    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    found = [one for moment in lived.moments for one in moment.missed if one.phase == "first"]
    assert [(one.deadline_at, one.late, one.target) for one in found] == [
        (midnight, 3, 7),
        (midnight + timedelta(hours=5), 4, 7),
    ]


def test_window_counts_for_those_alone_whose_deadline_is_ahead():
    """Content comes after the window, which opened after midnight in UTC and not in New York."""
    once = (
        'maintenanceWindows: [{name: w, recurrence: "FREQ=YEARLY", anchor: 2026-03-03,'
        ' start: "00:15", duration: 90m, timezone: UTC}]'
    )
    timed = BASICS.replace("maintenanceWindows: always", once)
    fixed = timed.replace("deadline: 1d", "deadline: 2026-03-03T00:00:00Z")
    local = fixed.replace("releases: {every: 1h}", "releases: {every: 1h}\n  timeBasis: local")
    ny = a_group("ny", 4, "reference", zones={"America/New_York": 1})
    lived = live(a_fleet(ny), local, content_delay=timedelta(hours=16))

    found = [one for moment in lived.moments for one in moment.missed if one.phase == "first"]
    assert [one.reasons for one in found] == [{Reason.NO_WINDOW_BEFORE: 3}, {Reason.NOT_STARTED: 4}]


def test_computer_is_told_of_as_late_only_once():
    """Who was silent at the phase's deadline has one of its own from its first contact."""
    desks = a_group("desk", 2, "reference", online="officeHours")
    graceful = NO_WINDOWS.replace("deadline: 1d", "deadline: 1h\n      grace: 1h\n      " + LATER)
    saturday = datetime(2026, 3, 7, tzinfo=UTC)
    lived = live(a_fleet(desks), graceful, begin=saturday, days=4)

    found = [one for moment in lived.moments for one in moment.missed]
    assert [one.reasons for one in found] == [{Reason.SILENT: 2, Reason.NO_WINDOW: 3}]


@pytest.mark.parametrize(
    ("manifest", "changes", "reason"),
    [
        pytest.param(BASICS, {"content_delay": timedelta(days=9)}, Reason.NO_CONTENT, id="content"),
        pytest.param(
            BASICS.replace("releases: {every: 1h}", "restart: {servers: suppress}"),
            {},
            Reason.AWAITING_RESTART,
            id="restart",
        ),
    ],
)
def test_reason_of_the_late_ones_is_the_first_that_fits(manifest, changes, reason):
    lived = live(a_fleet(updates=[{"product": "kernel", "restart": True}]), manifest, **changes)

    assert lived.missed()["first"].reasons == {reason: 3}


def test_who_had_not_started_at_a_halt_is_late_for_that():
    broken = a_group("broken", 20, "reference", runs={"broken": "100%"})
    lived = live(a_fleet(broken), BASICS.replace("deadline: 1d", "deadline: 1d\n      spread: 8h"))

    assert lived.missed()["first"].reasons.keys() >= {Reason.FAILING, Reason.HELD}


def test_who_never_got_a_permit_is_late_for_that():
    one_at_a_time = BASICS.replace(
        "releases: {every: 1h}", "releases: {every: 1h}\n  budget: {concurrent: 1}"
    ).replace("halt: {failures: 50%}", "")
    broken = a_group("broken", 20, "reference", runs={"broken": "100%"})
    lived = live(a_fleet(broken), one_at_a_time)

    assert lived.missed()["first"].reasons.keys() >= {Reason.FAILING, Reason.NO_PERMIT}


def test_dead_computers_neither_report_nor_start():
    lived = live(a_fleet(a_group(dead="100%")), days=5)

    assert not [name for _, name in lived.starts() if name.startswith("web")]
    assert lived.counts()["rest"].unknown == 10
    assert lived.missed()["rest"].reasons == {Reason.SILENT: 10}


def test_office_computers_act_in_office_hours_only():
    office = a_group(online="officeHours", zones={"Europe/Rome": 1})
    lived = live(a_fleet(office), days=8)

    found = [at for at, name in lived.starts() if name.startswith("web")]
    assert len(found) == 10
    assert all(7 <= hours(at) < 17 and at.weekday() < 5 for at in found)


def test_office_computers_do_not_start_in_windows_at_night():
    office = a_group(online="officeHours", zones={"Europe/Rome": 1})
    lived = live(a_fleet(office), AT_NIGHT, days=6)

    assert not [name for _, name in lived.starts() if name.startswith("web")]
    assert lived.missed()["rest"].reasons == {Reason.OFFLINE: 10}


def test_users_computers_wait_for_their_deadline():
    lived = live(a_fleet(a_group(**{"class": "workstation"})), days=5)

    due = lived.opened_at("rest") + timedelta(days=2)
    assert all(at >= due for at, name in lived.starts() if name.startswith("web"))
    assert len([name for _, name in lived.starts() if name.startswith("web")]) == 10


def test_offer_without_a_deadline_starts_nowhere():
    lived = live(a_fleet(), BASICS.replace("deadline: 1d\n", "\n").replace("deadline: 2d, ", ""))

    assert lived.starts() == []


def test_site_that_observes_starts_nothing():
    lived = live(a_fleet(), BASICS.replace("mode: enforce", "mode: observe"))

    assert lived.starts() == []


def test_spread_spreads_starts_by_each_computer_s_own_share():
    spread = "collection: everybody, deadline: 2d, spread: 4h"
    lived = live(
        a_fleet(a_group(count=200)),
        BASICS.replace("collection: everybody, deadline: 2d", spread),
    )

    begins = [at for at, name in lived.starts() if name.startswith("web")]
    opened = lived.opened_at("rest")
    assert len(begins) == 200
    assert max(begins) <= opened + timedelta(hours=4) + 2 * STEP
    assert len(set(begins)) > 10


def test_nothing_starts_after_a_halt():
    broken = a_group("ref2", 7, "reference", runs={"broken": "100%"})
    eager = BASICS.replace("releases: {every: 1h}", "releases: {every: 1h}\n  recurrence: 2h")
    lived = live(a_fleet(broken, a_group()), eager, days=4)

    halted_at = lived.record("first").halted_at
    assert halted_at is not None
    assert lived.opened_at("rest") is None
    assert max(at for at, _ in lived.starts()) <= halted_at


def test_failed_run_is_tried_again_after_the_recurrence_only():
    broken = a_group("bad", 1, runs={"broken": "100%"})
    recurring = BASICS.replace("releases: {every: 1h}", "releases: {every: 1h}\n  recurrence: 1d")
    lived = live(a_fleet(broken, a_group(count=30)), recurring, days=4)

    tries = [at for at, name in lived.starts() if name == "bad-1"]
    gaps = {second - first for first, second in pairwise(tries)}
    assert len(tries) == 4
    assert all(timedelta(days=1) <= gap <= timedelta(days=1) + 2 * STEP for gap in gaps)
    assert lived.missed()["rest"].reasons == {Reason.FAILING: 1}


@pytest.mark.parametrize(("rule", "restarts"), [("suppress", 0), ("if-required", 13)])
def test_restart_follows_its_rule(rule, restarts):
    manifest = BASICS.replace(
        "releases: {every: 1h}", f"releases: {{every: 1h}}\n  restart: {{servers: {rule}}}"
    ).replace("success: 90%, soak: 1h", "success: 90%, soak: 1h, pendingRestart: accept")
    lived = live(a_fleet(updates=[{"product": "kernel", "restart": True}]), manifest)

    assert sum(moment.tally.restarts for moment in lived.moments) == restarts
    waiting = lived.counts()["rest"].pending_restart
    assert waiting == (10 if rule == "suppress" else 0)


def test_restart_waits_for_a_window():
    manifest = AT_NIGHT.replace(
        "releases: {every: 1h}", "releases: {every: 1h}\n  restart: {servers: if-required}"
    )
    lived = live(a_fleet(updates=[{"product": "kernel", "restart": True}]), manifest)

    at = [hours(moment.now) for moment in lived.moments if moment.tally.restarts]
    assert at
    assert all(one >= 22 or one <= 1.9 for one in at)


def test_budget_is_never_passed():
    manifest = BASICS.replace(
        "releases: {every: 1h}", "releases: {every: 1h}\n  budget: {concurrent: 2}"
    )
    lived = live(a_fleet(a_group(count=9)), manifest)

    assert max(moment.tally.disrupted for moment in lived.moments) == 2
    assert lived.counts()["rest"].compliant == 9


def test_budget_counts_each_part_by_itself():
    manifest = BASICS.replace(
        "releases: {every: 1h}", "releases: {every: 1h}\n  budget: {concurrent: 1, per: cluster}"
    )
    pair = [a_group(name, 4, facts={"cluster": name}) for name in ("east", "west")]
    lived = live(a_fleet(*pair), manifest)

    by_tick: dict[datetime, list[str]] = {}
    for at, name in lived.starts():
        by_tick.setdefault(at, []).append(name.partition("-")[0])
    assert all(len(names) == len(set(names)) for names in by_tick.values())
    assert any(sorted(names) == ["east", "west"] for names in by_tick.values())


def test_update_that_comes_later_makes_a_second_release():
    lived = live(a_fleet(updates=[{"product": "app"}, {"product": "lib", "arrives": "1d"}]), days=4)

    release = lived.simulation.memory.releases["monthly", 2]
    assert release.cut_at == NOW + timedelta(days=1)
    assert lived.counts()["rest"].compliant == 10


def test_same_seed_gives_the_same_life():
    fleet = a_fleet(a_group(count=50, dead="10%", runs={"failure": "20%"}))

    first, second = live(fleet, seed=3), live(fleet, seed=3)

    assert first.starts() == second.starts()
    assert [one.plan for one in first.moments] == [one.plan for one in second.moments]
    assert first.starts() != live(fleet, seed=4).starts()


def test_gate_does_not_pass_before_its_computers_are_on():
    """The begin is a Saturday; reference computers come back on Monday at eight."""
    saturday = datetime(2026, 3, 7, tzinfo=UTC)
    fleet = {
        "groups": [a_group("ref", 3, "reference", online="officeHours"), a_group()],
        "updates": [{"product": "app"}],
    }
    lived = live(fleet, days=4, begin=saturday)

    assert lived.record("first").succeeded_at >= datetime(2026, 3, 9, 9, tzinfo=UTC)
