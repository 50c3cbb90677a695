from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.agent.due import next_change_at, runnable_offers, scan_due_at
from reconciler.agent.memory import Choice, EndedRun, LastScan, Memory, RunRecord
from reconciler.agent.waiting import find_waiting
from reconciler.model.orders import RunOrder, UserRights
from reconciler.model.policy import Offer, OfferedUpdate, Policy, ScanOrder, Windows
from reconciler.model.updates import UpdateState

NOW = datetime(2025, 9, 2, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
NO_USER = RunOrder(user=UserRights(available=False, postpone=False))
MINUTE = timedelta(minutes=1)
OFFER = Offer(
    advertisement="BAR00002",
    rollout="september",
    release=1,
    phase="reference",
    program="install",
    package="BAR00001",
    version=1,
    available_at=NOW - HOUR,
    mandatory_at=NOW + HOUR,
    recurrence=24 * HOUR,
    held=False,
    max_runtime=HOUR,
    updates=(OfferedUpdate("u1", (("app", "all", "1.1"),)),),
    manifest="",
    order=NO_USER,
)
ORDER = ScanOrder(
    every=12 * HOUR, first_within=2 * HOUR, asked=(), catalog="digest", content_version=3
)
POLICY = Policy(
    computer="c-1",
    site="BAR",
    version=1,
    issued_at=NOW,
    expires_at=NOW + HOUR,
    enforce=True,
    poll_every=MINUTE,
    report_every=MINUTE,
    scan=ORDER,
    windows=Windows(always=True, updates=(), until=NOW),
    offers=(OFFER,),
)
SCAN = LastScan(NOW - HOUR, NOW - HOUR, 3, "digest", {"u1": UpdateState.MISSING})
MEMORY = Memory(first_policy_at=NOW - HOUR, last_scan=SCAN)
ENDED = EndedRun("september", 1, 7, NOW - HOUR, refused=False)
CURRENT = RunRecord(7, "BAR00002", "september", 1, NOW, HOUR, (), (), ())


def policy_with(**changes):
    return replace(POLICY, offers=(replace(OFFER, **changes),))


def open_until(*ends):
    windows = tuple((NOW - HOUR, end) for end in ends)
    return replace(POLICY, windows=Windows(always=False, updates=windows, until=NOW + 24 * HOUR))


def scanned(state):
    return replace(MEMORY, last_scan=replace(SCAN, states={"u1": state}))


@pytest.mark.parametrize(
    ("policy", "memory", "runs"),
    [
        pytest.param(POLICY, MEMORY, True, id="available-without-user"),
        pytest.param(policy_with(held=True), MEMORY, False, id="held"),
        pytest.param(replace(POLICY, enforce=False), MEMORY, False, id="observing"),
        pytest.param(replace(POLICY, expires_at=NOW), MEMORY, False, id="expired"),
        pytest.param(policy_with(available_at=NOW + MINUTE), MEMORY, False, id="too-early"),
        pytest.param(policy_with(mandatory_at=None), MEMORY, False, id="no-deadline"),
        pytest.param(policy_with(order=RunOrder()), MEMORY, False, id="user-before-deadline"),
        pytest.param(
            policy_with(order=RunOrder(), mandatory_at=NOW), MEMORY, True, id="user-at-deadline"
        ),
        pytest.param(POLICY, scanned(UpdateState.INSTALLED), False, id="installed-already"),
        pytest.param(POLICY, replace(MEMORY, last_scan=None), False, id="never-scanned"),
        pytest.param(POLICY, replace(MEMORY, current=CURRENT), False, id="one-runs"),
        pytest.param(POLICY, MEMORY.with_end(ENDED), False, id="rests-for-its-recurrence"),
        pytest.param(
            policy_with(recurrence=HOUR), MEMORY.with_end(ENDED), True, id="recurrence-over"
        ),
        pytest.param(
            POLICY, MEMORY.with_end(replace(ENDED, refused=True)), True, id="refused-rests-an-hour"
        ),
        pytest.param(
            POLICY, MEMORY.with_end(replace(ENDED, release=2)), True, id="other-release-ended"
        ),
        pytest.param(open_until(), MEMORY, False, id="no-window"),
        pytest.param(open_until(NOW), MEMORY, False, id="window-closed"),
        pytest.param(open_until(NOW + 59 * MINUTE), MEMORY, False, id="window-too-short"),
        pytest.param(open_until(NOW + HOUR), MEMORY, True, id="window-fits"),
        pytest.param(open_until(NOW, NOW + HOUR), MEMORY, True, id="longer-of-two-windows"),
    ],
)
def test_offer_runs(policy, memory, runs):
    assert bool(runnable_offers(policy, memory, NOW)) == runs


def test_several_offers_share_one_window_and_the_earliest_deadline_goes_first():
    offers = tuple(
        replace(OFFER, release=release, mandatory_at=NOW + (5 - release) * HOUR)
        for release in (1, 2, 3)
    )
    policy = replace(open_until(NOW + 2 * HOUR), offers=offers)

    assert [offer.release for offer in runnable_offers(policy, MEMORY, NOW)] == [3, 2]


@pytest.mark.parametrize(
    ("order", "memory", "due"),
    [
        pytest.param(replace(ORDER, catalog=None), MEMORY, None, id="no-catalog"),
        pytest.param(ORDER, MEMORY, NOW + 11 * HOUR, id="every"),
        pytest.param(
            replace(ORDER, content_version=4), MEMORY, NOW - HOUR, id="newer-catalog-at-once"
        ),
        pytest.param(replace(ORDER, asked=((NOW, NOW),)), MEMORY, NOW, id="asked-for-after"),
        pytest.param(
            replace(ORDER, asked=((NOW - HOUR, NOW),)),
            MEMORY,
            NOW + 11 * HOUR,
            id="asked-for-and-done",
        ),
        pytest.param(
            ORDER,
            replace(MEMORY, last_scan=None, scan_failures=1, scan_failed_at=NOW + 9 * HOUR),
            NOW + 9 * HOUR + MINUTE / 2,
            id="failed-once",
        ),
        pytest.param(
            ORDER,
            replace(MEMORY, last_scan=None, scan_failures=40, scan_failed_at=NOW + 9 * HOUR),
            NOW + 10 * HOUR,
            id="failed-often",
        ),
    ],
)
def test_scan_is_due(order, memory, due):
    assert scan_due_at(replace(POLICY, scan=order), memory) == due


def test_first_scans_spread_over_their_span():
    fresh = replace(MEMORY, last_scan=None, first_policy_at=NOW)
    dues = [scan_due_at(replace(POLICY, computer=f"c-{n}"), fresh) for n in range(200)]

    assert all(due and NOW <= due < NOW + 2 * HOUR for due in dues)
    early = sum(due is not None and due < NOW + HOUR for due in dues)
    assert 70 < early < 130


def test_next_change_is_the_earliest_moment_ahead():
    assert next_change_at(POLICY, MEMORY, NOW) == NOW + HOUR
    later = policy_with(mandatory_at=NOW + 20 * HOUR)
    assert next_change_at(later, MEMORY, NOW) == NOW + 11 * HOUR


def runs_at(policy, now, memory=MEMORY):
    return bool(runnable_offers(policy, memory, now))


def test_user_start_ignores_windows_spread_and_the_deadline_to_come():
    order = RunOrder(spread=2 * HOUR)
    policy = replace(
        policy_with(order=order, mandatory_at=None),
        windows=Windows(always=False, updates=(), until=NOW),
    )
    asked = replace(MEMORY, choices={OFFER.advertisement: Choice(start_at=NOW)})

    assert not runs_at(policy, NOW)
    assert runs_at(policy, NOW, asked)
    assert not runs_at(replace(policy, enforce=False), NOW, asked)


@pytest.mark.parametrize(("hours", "runs"), [(12, True), (-12, True), (13, False), (-13, False)])
def test_clock_that_is_more_than_twelve_hours_wrong_starts_nothing(hours, runs):
    skewed = replace(MEMORY, ahead_us=hours * 3600 * 10**6)

    assert runs_at(POLICY, NOW, skewed) == runs


@pytest.mark.parametrize(
    ("policy", "memory", "reason"),
    [
        pytest.param(POLICY, MEMORY, None, id="starts"),
        pytest.param(open_until(), MEMORY, "windowAhead", id="window-ahead"),
        pytest.param(open_until(NOW - MINUTE), MEMORY, "windowMissed", id="window-missed"),
        pytest.param(open_until(NOW + MINUTE), MEMORY, "windowTooShort", id="window-too-short"),
        pytest.param(policy_with(held=True), MEMORY, None, id="held-is-the-site's-affair"),
        pytest.param(
            POLICY, replace(MEMORY, ahead_us=13 * 3600 * 10**6), "clock", id="clock-wrong"
        ),
    ],
)
def test_due_offer_waits_for(policy, memory, reason):
    assert [one.reason for one in find_waiting(policy, memory, NOW)] == ([reason] if reason else [])
