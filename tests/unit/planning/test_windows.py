"""When programs may start (S3, S4)."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.maintenance_window import MaintenanceWindow
from reconciler.planning.windows import (
    HORIZON,
    merge,
    occurrences,
    purpose_windows,
    resolve_wall_time,
)
from tests.worlds import HEADER, NOW, PlannerWorld

ROME = ZoneInfo("Europe/Rome")
GAP, FOLD = date(2026, 3, 29), date(2026, 10, 25)
SITE_AND = """
apiVersion: patchwright.dev/v1alpha1
kind: Site
metadata: {name: main}
spec: {code: PWR}
---
apiVersion: patchwright.dev/v1alpha1
kind: Collection
metadata: {name: servers}
spec: {query: {all: true}, maintenanceWindows: [WINDOW]}
"""
NIGHTLY = '{name: n, recurrence: "FREQ=DAILY", start: "22:00", duration: 2h}'


def window(start="22:00", recurrence="FREQ=DAILY", **fields):
    length = {} if "duration" in fields else {"end": "02:00"}
    given = {"name": "w", "recurrence": recurrence, "start": start, **length, **fields}
    return MaintenanceWindow.model_validate(given)


def shown(intervals, zone=UTC):
    """Show intervals as `02T22:00-03T02:00` in a zone."""
    return [
        "-".join(moment.astimezone(zone).strftime("%dT%H:%M") for moment in interval)
        for interval in intervals
    ]


def opened(one, day, zone=ROME, days=1):
    """Give the openings that begin on a day of the zone."""
    begin = datetime.combine(day, time(), zone).astimezone(UTC)
    found = occurrences(one, zone, begin, begin + timedelta(days=days, hours=3))
    return [span for span in found if begin <= span[0] < begin + timedelta(days=days)]


def a_world(declared=NIGHTLY, more=""):
    """Two computers under windows."""
    world = PlannerWorld([SITE_AND.replace("WINDOW", declared) + more])
    world.enrol("a")
    world.enrol("b")
    return world


def windows_of(world, name):
    return world.policy(name).windows


def first_opening(world, name):
    return shown(windows_of(world, name).updates)[0]


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        (GAP, time(1, 59), "00:59"),
        (GAP, time(2), "01:00"),
        (GAP, time(2, 30), "01:00"),
        (GAP, time(3), "01:00"),
        (GAP, time(3, 1), "01:01"),
        (FOLD, time(2, 30), "00:30"),
        (FOLD, time(3), "02:00"),
    ],
)
def test_wall_time_in_a_gap_is_its_end_and_an_ambiguous_one_the_first(day, clock, expected):
    assert f"{resolve_wall_time(day, clock, ROME):%H:%M}" == expected


@pytest.mark.parametrize(
    ("day", "fields", "expected"),
    [
        (GAP, {"start": "01:30", "duration": "2h"}, ["29T01:30-29T04:30"]),
        (GAP, {"start": "01:30", "end": "04:00"}, ["29T01:30-29T04:00"]),
        (GAP, {"start": "02:10", "end": "03:30"}, ["29T03:00-29T03:30"]),
        (FOLD, {"start": "01:30", "duration": "2h"}, ["25T01:30-25T02:30"]),
        (FOLD, {"start": "02:30", "end": "03:00"}, ["25T02:30-25T03:00"]),
        (FOLD, {"start": "02:30", "end": "02:10"}, ["25T02:30-26T02:10"]),
        (NOW.date(), {"start": "22:00", "end": "02:00"}, ["02T22:00-03T02:00"]),
        (NOW.date(), {"start": "22:00", "end": "22:00"}, ["02T22:00-03T22:00"]),
    ],
)
def test_duration_is_elapsed_and_end_the_next_such_wall_time(day, fields, expected):
    assert shown(opened(window(**fields), day), ROME) == expected


def test_window_that_lies_in_a_gap_does_not_open_that_day():
    assert opened(window(start="02:10", end="02:50"), GAP) == []


def test_date_that_the_zone_skips_has_no_occurrence():
    """Samoa went from the 29th to the 31st of December 2011."""
    zone = ZoneInfo("Pacific/Apia")
    found = opened(window(duration="1h"), date(2011, 12, 29), zone, days=2)

    assert shown(found, zone) == ["29T22:00-29T23:00", "31T22:00-31T23:00"]


def test_long_window_that_opened_long_ago_is_still_open():
    one = window(recurrence="FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1", duration="90d")

    assert shown(occurrences(one, UTC, NOW, NOW + HORIZON)) == ["01T22:00-01T22:00"]


@pytest.mark.parametrize(
    ("offset", "expected"), [("4d", ["14T22:00-15T02:00"]), ("-3d", ["07T22:00-08T02:00"])]
)
def test_offset_moves_the_date(offset, expected):
    one = window(recurrence="FREQ=MONTHLY;BYDAY=2TU", offset=offset)

    assert shown(occurrences(one, UTC, NOW, NOW + timedelta(days=20))) == expected


def test_until_is_inclusive_and_before_the_offset():
    one = window(recurrence="FREQ=DAILY;UNTIL=20260303", offset="1d")

    assert shown(occurrences(one, UTC, NOW, NOW + HORIZON)) == [
        "02T22:00-03T02:00",
        "03T22:00-04T02:00",
        "04T22:00-05T02:00",
    ]


def test_opening_that_ends_at_the_begin_is_over():
    one = window(start="07:00", duration="2h")

    assert shown(occurrences(one, UTC, NOW, NOW + timedelta(days=1))) == ["03T07:00-03T09:00"]


def test_touching_windows_merge():
    evening, night = window(start="20:00", end="00:00"), window(start="00:00", duration="2h")
    found = purpose_windows([night, evening], "updates", UTC, NOW, NOW + timedelta(days=1))

    assert shown(found) == ["02T20:00-03T02:00"]


@pytest.mark.parametrize(
    ("purposes", "expected"),
    [
        (("updates", "restarts"), ["02T20:00-02T21:00"]),
        (("restarts", "restarts"), ["02T20:00-02T21:00", "02T23:00-03T00:00"]),
        (("all", "restarts"), ["02T20:00-02T21:00"]),
        (("all", "updates"), ["02T20:00-02T21:00", "02T23:00-03T00:00"]),
    ],
)
def test_windows_of_one_purpose_only_serve_the_other_too(purposes, expected):
    windows = [
        window(start=start, duration="1h", **{"for": purpose})
        for start, purpose in zip(("20:00", "23:00"), purposes, strict=True)
    ]

    assert (
        shown(purpose_windows(windows, "updates", UTC, NOW, NOW + timedelta(hours=18))) == expected
    )


spans = st.tuples(st.integers(0, 100), st.integers(1, 20)).map(
    lambda pair: (NOW + timedelta(hours=pair[0]), NOW + timedelta(hours=sum(pair)))
)


@given(st.lists(spans, max_size=12))
def test_merged_intervals_neither_overlap_nor_touch_and_hold_the_same_hours(intervals):
    merged = merge(intervals)
    hours = [NOW + timedelta(hours=number) for number in range(125)]

    assert all(first[1] < second[0] for first, second in pairwise(merged))
    for hour in hours:
        inside = any(begin <= hour < end for begin, end in merged)
        assert inside == any(begin <= hour < end for begin, end in intervals)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Rome", "02T21:00-02T23:00"),
        ("Asia/Tokyo", "02T13:00-02T15:00"),
        (None, "02T22:00-03T00:00"),
        ("Mars/Olympus", "02T22:00-03T00:00"),
        ("../../etc/passwd", "02T22:00-03T00:00"),
        (5, "02T22:00-03T00:00"),
        (("Europe/Rome",), "02T22:00-03T00:00"),
    ],
)
def test_local_is_the_zone_that_the_computer_tells(zone, expected):
    world = a_world()
    world.change("a", facts={} if zone is None else {"timezone": zone})
    world.change("b", facts={"timezone": "Asia/Tokyo"})

    assert first_opening(world, "a") == expected


def test_computer_without_a_zone_takes_its_sites():
    world = a_world()
    world.edit("{code: PWR}", "{code: PWR, timezone: Europe/Rome}")

    assert first_opening(world, "a") == "02T21:00-02T23:00"


def test_window_may_name_its_own_zone():
    world = a_world(NIGHTLY.replace("2h}", "2h, timezone: Asia/Tokyo}"))
    world.change("a", facts={"timezone": "Europe/Rome"})

    assert first_opening(world, "a") == "02T13:00-02T15:00"


@pytest.mark.parametrize(("zone", "is_told"), [("Mars/Olympus", True), (5, True), ("UTC", False)])
def test_zone_that_nobody_knows_is_told(zone, is_told):
    world = a_world()
    world.change("a", facts={"timezone": zone})

    assert ("BadTimezone" in world.told()) == is_told


OTHERS = """---
apiVersion: patchwright.dev/v1alpha1
kind: Collection
metadata: {name: others}
spec: {computers: [a], maintenanceWindows: DECLARED}
"""


def test_windows_of_all_collections_are_united():
    later = '[{name: l, recurrence: "FREQ=DAILY", start: "23:00", duration: 2h}]'
    world = a_world(more=OTHERS.replace("DECLARED", later))

    assert "02T22:00-03T01:00" in shown(windows_of(world, "a").updates)
    assert "02T22:00-03T00:00" in shown(windows_of(world, "b").updates)


def test_declared_windows_beat_always():
    world = a_world(more=OTHERS.replace("DECLARED", "always"))

    assert not windows_of(world, "a").always
    assert first_opening(world, "a") == "02T22:00-03T00:00"


def test_always_needs_a_collection_or_a_site_that_says_so():
    world = a_world(more=OTHERS.replace("DECLARED", "always"))
    world.edit(f", maintenanceWindows: [{NIGHTLY}]", "")

    assert windows_of(world, "a").always
    assert (windows_of(world, "b").always, windows_of(world, "b").updates) == (False, ())
    assert "NoWindow" in world.told()


def test_windowless_site_may_change_computers_at_any_time():
    world = a_world()
    world.edit(f", maintenanceWindows: [{NIGHTLY}]", "")
    world.edit("{code: PWR}", "{code: PWR, windowless: always}")

    assert windows_of(world, "a").always
    assert "NoWindow" not in world.told()


def test_nobody_lacks_a_window_where_nobody_is_enrolled():
    world = PlannerWorld([SITE_AND.replace(", maintenanceWindows: [WINDOW]", "")])

    assert "NoWindow" not in world.told()


@pytest.mark.parametrize(
    ("rule", "start", "is_told"),
    [
        ("FREQ=DAILY;UNTIL=20260301", "22:00", True),
        ("FREQ=DAILY;UNTIL=20260302", "06:00", True),
        ("FREQ=DAILY;UNTIL=20260302", "08:00", False),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "06:00", False),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU", "06:00", False),
    ],
)
def test_lack_of_any_window_ahead_is_told(rule, start, is_told):
    """It is nine o'clock on the 2nd of March 2026; windows are two hours long."""
    world = a_world(f'{{name: w, recurrence: "{rule}", start: "{start}", duration: 2h}}')

    assert ("NoWindowAhead" in world.told()) == is_told


def test_windows_for_restarts_ahead_do_not_make_up_for_updates():
    ended = '{name: w, recurrence: "FREQ=DAILY;UNTIL=20260101", start: "22:00", duration: 2h}'
    restarts = NIGHTLY.replace("2h}", "2h, for: restarts}")

    assert "NoWindowAhead" in a_world(f"{ended}, {restarts}").told()


def test_windows_stay_the_same_all_day():
    world = a_world()
    before = windows_of(world, "a")
    world.pass_time(hours=14)

    assert windows_of(world, "a") == before
    assert before.until == datetime(2026, 3, 17, tzinfo=UTC)


def test_many_collections_with_windows_make_no_more_classes_than_computers():
    world = PlannerWorld()
    world.enrol("web-1")
    window = '[{name: w, recurrence: "FREQ=DAILY", start: "22:00", duration: 4h}]'
    world.manifests += [
        f"{HEADER}kind: Collection\nmetadata: {{name: c{number}}}\n"
        f"spec: {{query: {{all: true}}, maintenanceWindows: {window}}}\n"
        for number in range(100)
    ]

    assert len(world.plan().guidance.windows) == 1
