"""When one offer may start by itself (S4, S13a, S17)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.agent.due import next_change_at, runnable_offers
from reconciler.agent.memory import EndedRun
from reconciler.model.ids import spread_offset
from reconciler.model.orders import RunOrder, UserRights
from reconciler.model.policy import Windows
from reconciler.model.starts import due_at, may_start, offset_of
from tests.unit.agent.test_due import HOUR, MEMORY, MINUTE, NO_USER, NOW, OFFER, POLICY

DAY = 24 * HOUR
SPREAD = replace(OFFER, order=replace(NO_USER, spread=10 * HOUR))
SHARE = offset_of(SPREAD, POLICY)
NOTHING = timedelta(0)


def in_windows(*openings, frozen=(), **changes):
    windows = Windows(always=False, updates=openings, until=NOW + 9 * DAY, frozen=frozen)
    return replace(POLICY, windows=windows, **changes)


def test_share_of_the_spread_is_as_the_rule_says():
    """The first 8 bytes of the SHA-256 of these lines, as a share of the whole (S17)."""
    share = spread_offset("september", "everyone", "0" * 32, timedelta(hours=2))

    assert share == timedelta(seconds=3000, microseconds=913256)


def test_shares_lie_within_the_spread_and_are_even():
    shares = [spread_offset("r", "p", str(number), 10 * HOUR) for number in range(2000)]

    assert all(NOTHING <= share < 10 * HOUR for share in shares)
    assert 900 < sum(share < 5 * HOUR for share in shares) < 1100


def test_shares_differ_between_phases_and_rollouts():
    told = [("r", "p"), ("r", "q"), ("s", "p")]

    assert len({spread_offset(*one, "c", DAY) for one in told}) == len(told)


def test_no_spread_is_no_wait():
    assert spread_offset("r", "p", "c", NOTHING) == NOTHING


def test_without_a_user_it_is_due_when_it_is_available_and_the_share_has_passed():
    assert NOTHING < SHARE < 10 * HOUR
    assert due_at(SPREAD, POLICY, None) == OFFER.available_at + SHARE


def test_with_a_user_it_is_due_at_the_deadline_and_the_share():
    order = RunOrder(user=UserRights(), spread=10 * HOUR)

    assert due_at(replace(SPREAD, order=order), POLICY, None) == NOW + HOUR + SHARE


def test_without_a_deadline_it_never_starts_by_itself():
    assert due_at(replace(SPREAD, mandatory_at=None), POLICY, None) is None


@pytest.mark.parametrize(
    ("released", "expected"),
    [
        pytest.param(SHARE + MINUTE, 2 * SHARE + MINUTE, id="came-due-while-held"),
        pytest.param(SHARE, SHARE, id="came-due-at-the-end"),
        pytest.param(SHARE - MINUTE, SHARE, id="comes-due-later"),
    ],
)
def test_what_came_due_while_it_was_held_is_spread_anew(released, expected):
    offer = replace(SPREAD, released_at=OFFER.available_at + released)

    assert due_at(offer, POLICY, None) == OFFER.available_at + expected


ENDED = EndedRun("september", 1, 7, NOW - 9 * HOUR, refused=False)


def test_rerun_is_due_at_once_where_it_ran_before():
    offer = replace(OFFER, rerun_at=NOW)

    assert due_at(OFFER, POLICY, ENDED) == NOW + 15 * HOUR
    assert due_at(offer, POLICY, ENDED) == NOW


def test_rerun_is_spread():
    assert due_at(replace(SPREAD, rerun_at=NOW), POLICY, ENDED) == NOW + SHARE


def test_rerun_runs_once():
    offer = replace(OFFER, rerun_at=NOW - 10 * HOUR)

    assert due_at(offer, POLICY, ENDED) == NOW + 15 * HOUR


def test_rerun_waits_for_no_user_before_the_deadline():
    offer = replace(OFFER, order=RunOrder(), rerun_at=NOW - 2 * HOUR)

    assert due_at(offer, POLICY, ENDED) == OFFER.mandatory_at


@pytest.mark.parametrize(
    ("length", "waits"),
    [
        pytest.param(SHARE + HOUR, SHARE, id="fits-after-its-share"),
        pytest.param(SHARE + HOUR - MINUTE, NOTHING, id="does-not-fit-after-its-share"),
    ],
)
def test_starts_are_spread_from_a_windows_begin_where_the_program_still_fits(length, waits):
    policy = in_windows((NOW, NOW + length))

    assert may_start(SPREAD, policy, NOTHING, NOW + waits)
    assert not may_start(SPREAD, policy, NOTHING, NOW + waits - MINUTE)


def test_window_has_to_fit_what_runs_before():
    policy = in_windows((NOW, NOW + 2 * HOUR))

    assert may_start(OFFER, policy, HOUR, NOW)
    assert not may_start(OFFER, policy, HOUR + MINUTE, NOW)


FROZEN = ((NOW - HOUR, NOW + HOUR),)
FREE = Windows(always=True, updates=(), until=NOW + DAY)


@pytest.mark.parametrize(
    ("order", "emergency_windows", "starts"),
    [
        pytest.param(NO_USER, FREE, False, id="frozen"),
        pytest.param(replace(NO_USER, emergency=True), FREE, True, id="emergency-passes"),
        pytest.param(replace(NO_USER, emergency=True), None, False, id="emergency-is-included"),
        pytest.param(
            replace(NO_USER, emergency=True, override_windows=True),
            None,
            False,
            id="overrides-windows-and-no-freeze",
        ),
        pytest.param(
            replace(NO_USER, emergency=True, override_windows=True),
            replace(FREE, always=False),
            True,
            id="overrides-windows",
        ),
    ],
)
def test_freeze_holds_starts(order, emergency_windows, starts):
    policy = in_windows(frozen=FROZEN, emergency_windows=emergency_windows)
    policy = replace(policy, offers=(replace(OFFER, order=order),))

    assert bool(runnable_offers(policy, MEMORY, NOW)) == starts


def test_what_overrides_windows_is_spread_from_the_end_of_a_freeze():
    order = replace(SPREAD.order, override_windows=True)
    policy = in_windows(frozen=((NOW - DAY, NOW),))

    assert not may_start(replace(SPREAD, order=order), policy, NOTHING, NOW)
    assert may_start(replace(SPREAD, order=order), policy, NOTHING, NOW + SHARE)


def test_update_that_rejoins_is_left_out_until_then():
    """Its waiver has ended, and its own deadline is ahead (S11)."""
    late = replace(OFFER.updates[0], not_before=NOW + MINUTE)
    policy = replace(POLICY, offers=(replace(OFFER, updates=(late,)),))

    assert runnable_offers(policy, MEMORY, NOW) == ()
    assert next_change_at(policy, MEMORY, NOW) == NOW + MINUTE
    assert runnable_offers(policy, MEMORY, NOW + MINUTE)


def test_agent_wakes_for_its_share_of_the_spread():
    policy = replace(POLICY, offers=(replace(SPREAD, available_at=NOW, mandatory_at=NOW),))

    assert next_change_at(policy, MEMORY, NOW) == NOW + min(SHARE, 11 * HOUR)
