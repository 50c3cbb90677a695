"""`patchwright windows`: real openings across clock changes, what fits, and what cannot be met."""

import pytest

from tests.corpora import document
from tests.unit.cli.timetables import (
    AUTUMN,
    NIGHT,
    SPRING,
    WEEKLY,
    a_collection,
    a_rollout,
    only,
    spans,
)


@pytest.mark.parametrize(
    ("window", "span", "local", "utc"),
    [
        pytest.param(
            NIGHT,
            SPRING,
            ("2026-03-28T22:00:00+01:00", "2026-03-29T04:00:00+02:00"),
            ("2026-03-28T21:00:00Z", "2026-03-29T02:00:00Z"),
            id="spring-night-is-five-hours",
        ),
        pytest.param(
            NIGHT,
            AUTUMN,
            ("2026-10-24T22:00:00+02:00", "2026-10-25T04:00:00+01:00"),
            ("2026-10-24T20:00:00Z", "2026-10-25T03:00:00Z"),
            id="autumn-night-is-seven-hours",
        ),
        pytest.param(
            f'{{name: w, {WEEKLY}, start: "22:00", duration: 6h}}',
            SPRING,
            ("2026-03-28T22:00:00+01:00", "2026-03-29T05:00:00+02:00"),
            ("2026-03-28T21:00:00Z", "2026-03-29T03:00:00Z"),
            id="duration-is-elapsed-time",
        ),
        pytest.param(
            '{name: w, recurrence: "FREQ=WEEKLY;BYDAY=SU", start: "02:30", duration: 1h}',
            SPRING,
            ("2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"),
            ("2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"),
            id="gap-opens-at-its-end",
        ),
        pytest.param(
            '{name: w, recurrence: "FREQ=WEEKLY;BYDAY=SU", start: "02:30", duration: 1h}',
            AUTUMN,
            ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),
            ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
            id="ambiguous-time-is-the-first",
        ),
        pytest.param(
            f'{{name: w, {WEEKLY}, start: "22:00", duration: 6h, timezone: UTC}}',
            SPRING,
            ("2026-03-28T22:00:00+00:00", "2026-03-29T04:00:00+00:00"),
            ("2026-03-28T22:00:00Z", "2026-03-29T04:00:00Z"),
            id="own-zone-beats-local",
        ),
    ],
)
def test_opening_is_told_in_local_time_and_utc(show, window, span, local, utc):
    table = only(show(a_collection(f"[{window}]"), span=span))

    assert spans(table["openings"], "local") == [local]
    assert spans(table["openings"]) == [utc]


def test_text_shows_local_time_utc_and_true_length(show):
    lines = show(a_collection(f"[{NIGHT}]"), output="text")

    assert (
        "  Sat 2026-03-28 22:00 CET to Sun 2026-03-29 04:00 CEST"
        "  2026-03-28T21:00:00Z to 2026-03-29T02:00:00Z  5h  web/sat (all)"
    ) in lines
    assert "zone Europe/Rome; windows of web" in lines


def test_windows_merge_by_purpose(show):
    windows = (
        f'[{{name: a, {WEEKLY}, start: "20:00", duration: 2h, for: updates}},'
        f' {{name: b, {WEEKLY}, start: "22:00", duration: 2h}},'
        f' {{name: c, {WEEKLY}, start: "23:30", duration: 2h, for: restarts}}]'
    )
    table = only(show(a_collection(windows), span=("2026-06-06", "2026-06-08"), zone="UTC"))

    assert spans(table["updates"]) == [("2026-06-06T20:00:00Z", "2026-06-07T00:00:00Z")]
    assert spans(table["restarts"]) == [("2026-06-06T22:00:00Z", "2026-06-07T01:30:00Z")]
    assert len(table["openings"]) == 3


def test_windows_for_restarts_only_serve_updates_too(show):
    windows = f'[{{name: c, {WEEKLY}, start: "22:00", duration: 2h, for: restarts}}]'
    table = only(show(a_collection(windows)))

    assert table["updates"] == table["restarts"] != []


def test_program_fits_where_the_merged_window_has_room(show):
    """The spring night has five hours, the one after it six (S4)."""
    group = document("UpdateGroup", "g", "{type: rollup, updates: [u], maxRuntime: 6h}")
    table = only(show(a_collection(f"[{NIGHT}]"), group, span=("2026-03-28", "2026-04-06")))

    (program,) = table["programs"]
    assert (program["windows"], program["fits"]) == (2, 1)
    assert spans(program["starts"]) == [("2026-04-04T20:00:00Z", "2026-04-04T20:00:00Z")]


@pytest.mark.parametrize(
    ("phase", "runtime", "verdict"),
    [
        ("opens: {at: 2026-03-28T12:00:00Z}, deadline: 9h", "1h", "never"),
        ("opens: {at: 2026-03-28T12:00:00Z}, deadline: 10h", "1h", "met"),
        ("opens: {at: 2026-03-28T12:00:00Z}, deadline: 2d", "6h", "never"),
        ("deadline: 2026-03-28T21:00:00Z", "1h", "never"),
        ("deadline: 2026-03-28T21:00:01Z", "1h", "met"),
        ("deadline: 2026-03-27T21:00:00Z", "1h", "passed"),
        ("deadline: 8d", "1h", "met"),
        ("deadline: 1d", "1h", "sometimes"),
        ("opens: {notBefore: 2026-03-29T12:00:00Z}, deadline: 1d", "1h", "never"),
        ("deadline: 8d", "12h", "never"),
    ],
)
def test_deadline_that_no_window_can_meet_is_told(show, phase, runtime, verdict):
    anywhere = a_collection("always", name="other")
    table = only(show(a_collection(f"[{NIGHT}]"), anywhere, *a_rollout(phase, runtime)))

    assert [one["verdict"] for one in table["deadlines"]] == [verdict]


def test_openings_that_miss_a_deadline_are_named(show):
    """Room for one hour is until 01:00Z; the next window opens six days and 19 hours later."""
    table = only(show(a_collection(f"[{NIGHT}]"), *a_rollout("deadline: 1d")))

    (one,) = table["deadlines"]
    assert spans(one["missedIfOpened"]) == [("2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z")]
    text = show(a_collection(f"[{NIGHT}]"), *a_rollout("deadline: 1d"), output="text")
    assert text[-1] == (
        "  Rollout/r phase p: no window can meet its deadline if it opens"
        " Sun 2026-03-29 03:00 CEST to Mon 2026-03-30 02:00 CEST"
    )


def test_local_deadline_is_a_wall_time_of_the_zone(show):
    """21:00:01 in Rome is before the window opens there at 22:00 (S17)."""
    rollout = a_rollout("deadline: 2026-03-28T21:00:01Z", basis="local")
    table = only(show(a_collection(f"[{NIGHT}]"), *rollout))

    (one,) = table["deadlines"]
    assert (one["verdict"], one["deadline"]["utc"]) == ("never", "2026-03-28T20:00:01Z")


def test_always_fits_everything(show):
    documents = [a_collection("always"), *a_rollout("deadline: 1d", "12h")]
    table = only(show(*documents))

    assert table["always"] is True
    assert [one["verdict"] for one in table["deadlines"]] == ["met"]
    assert "any time: always" in show(*documents, output="text")


def test_no_window_meets_nothing(show):
    bare = document("Collection", "web", "{query: {all: true}}")
    other = a_collection("always", name="other")
    documents = [bare, other, *a_rollout("deadline: 1d")]
    table = only(show(*documents))

    assert (table["always"], table["updates"]) == (False, [])
    assert [one["verdict"] for one in table["deadlines"]] == ["never"]
    assert "no window: nothing starts by itself" in show(*documents, output="text")


def test_site_that_is_windowless_starts_at_any_time(show):
    site = document("Site", "main", "{code: PWR, windowless: always, timezone: Europe/Rome}")
    table = only(show(document("Collection", "web", "{query: {all: true}}"), site, zone=None))

    assert (table["always"], table["zone"]) == (True, "Europe/Rome")


def test_frozen_times_are_cut_out_of_windows_and_told(show):
    """A freeze from midnight on leaves two of the night's hours (S13a)."""
    frozen = document(
        "Freeze",
        "f",
        '{recurrence: "FREQ=DAILY", start: "00:00", duration: 5h, collections: [web]}',
    )
    rollout = a_rollout("deadline: 2026-03-30T00:00:00Z", runtime="3h")
    shown = only(show(a_collection(f"[{NIGHT}]"), frozen, *rollout))

    assert spans(shown["updates"]) == [("2026-03-28T21:00:00Z", "2026-03-28T23:00:00Z")]
    assert spans(shown["frozen"])[:1] == [("2026-03-27T23:00:00Z", "2026-03-28T04:00:00Z")]
    assert [one["verdict"] for one in shown["deadlines"]] == ["never"]
    text = show(a_collection("always"), frozen, output="text")
    assert "frozen" in text
