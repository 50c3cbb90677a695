"""What a batch makes of a computer's record (J6)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.engine.evidence import KEPT_RUNS, after_batch
from reconciler.model.computers import Computer, RunOutcome
from reconciler.model.messages import (
    Batch,
    FactsReport,
    ScanOutcome,
    ScanReport,
    StatusId,
    StatusMessage,
)
from reconciler.model.updates import UpdateState
from tests.worlds import NOW

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED
GONE = UpdateState.NOT_APPLICABLE
COMPUTER = Computer("c1", 0, "web-1", NOW, states={"old": MISSING}, facts={"a": 1})
LATER = NOW + timedelta(minutes=1)


def a_batch(**changes):
    return Batch("c1", 1, 1, full=False, sent_at=NOW, **changes)


def a_scan(**changes):
    made = ScanReport(NOW, LATER, ScanOutcome.COMPLETED, 3, {"new": MISSING})
    return replace(made, **changes)


def a_status(number, **changes):
    made = StatusMessage(NOW, number, "PWR00002", "monthly", 1, 7)
    return replace(made, **changes)


def test_scan_changes_are_merged():
    found = after_batch(COMPUTER, a_batch(scan=a_scan()), LATER, 3)

    assert found.states == {"old": MISSING, "new": MISSING}
    assert (found.last_scan_at, found.scan_version) == (NOW, 3)


def test_not_applicable_takes_the_state_away():
    scan = a_scan(changes={"old": GONE})

    assert after_batch(COMPUTER, a_batch(scan=scan), LATER, 3).states == {}


def test_full_scan_replaces_all_states():
    batch = replace(a_batch(scan=a_scan()), full=True)

    assert after_batch(COMPUTER, batch, LATER, 3).states == {"new": MISSING}


def test_failed_scan_is_no_evidence():
    scan = a_scan(outcome=ScanOutcome.FAILED, changes={})

    assert after_batch(COMPUTER, a_batch(scan=scan), LATER, 3) == COMPUTER


def test_facts_replace_all_facts():
    batch = a_batch(facts=FactsReport(NOW, {"b": "x"}))

    assert after_batch(COMPUTER, batch, LATER, 3).facts == {"b": "x"}


def test_future_scan_counts_from_its_receipt():
    scan = a_scan(started_at=NOW + timedelta(days=9))

    assert after_batch(COMPUTER, a_batch(scan=scan), LATER, 3).last_scan_at == LATER


def test_scan_of_an_unknown_content_version_counts_as_the_newest_known():
    assert after_batch(COMPUTER, a_batch(scan=a_scan()), LATER, 2).scan_version == 2


@pytest.mark.parametrize(
    ("number", "reason", "outcome"),
    [
        (StatusId.PROGRAM_STARTED, "", RunOutcome.BEGAN),
        (StatusId.PROGRAM_FAILED, "", RunOutcome.FAILED),
        (StatusId.PROGRAM_FAILED, "timeout", RunOutcome.TIMED_OUT),
        (StatusId.PROGRAM_SUCCEEDED, "", RunOutcome.SUCCEEDED),
        (StatusId.DONE_NO_RESTART, "", RunOutcome.SUCCEEDED),
    ],
)
def test_status_sets_the_outcome_of_the_run(number, reason, outcome):
    batch = a_batch(statuses=(a_status(number, reason=reason),))

    found = after_batch(COMPUTER, batch, LATER, 3)

    assert found.runs["monthly/1"].outcome is outcome


def test_end_of_a_run_keeps_its_begin():
    started = a_status(StatusId.PROGRAM_STARTED)
    ended = a_status(StatusId.PROGRAM_FAILED, at=LATER, exit_code=100)

    run = after_batch(COMPUTER, a_batch(statuses=(started, ended)), LATER, 3).runs["monthly/1"]

    assert (run.began_at, run.ended_at, run.exit_code) == (NOW, LATER, 100)


def test_run_that_begins_anew_keeps_the_end_of_the_last_one():
    """Until the new one ends, the last finished run is what counts (S15)."""
    again = a_status(StatusId.PROGRAM_STARTED, at=LATER + timedelta(minutes=1), run=8)
    failed = a_status(StatusId.PROGRAM_FAILED, at=LATER)
    statuses = (a_status(StatusId.PROGRAM_STARTED), failed, again)

    run = after_batch(COMPUTER, a_batch(statuses=statuses), again.at, 3).runs["monthly/1"]

    assert (run.outcome, run.began_at, run.ended_at) == (RunOutcome.FAILED, again.at, LATER)


def test_waiting_for_a_window_says_nothing_of_a_run():
    batch = a_batch(statuses=(a_status(StatusId.WINDOW_TOO_SHORT, reason="windowTooShort"),))
    found = after_batch(COMPUTER, batch, LATER, 3)

    assert (found.runs, found.refusal) == ({}, "windowTooShort")


def test_refusal_is_not_a_failed_run():
    refused = a_status(StatusId.RUN_REFUSED, reason="removal", detail="would remove x")

    found = after_batch(COMPUTER, a_batch(statuses=(refused,)), LATER, 3)

    assert (found.runs, found.refusal) == ({}, "removal: would remove x")


def test_runs_of_one_computer_are_bounded():
    statuses = tuple(
        a_status(StatusId.PROGRAM_STARTED, release=number, at=NOW + timedelta(seconds=number))
        for number in range(1, KEPT_RUNS + 10)
    )

    found = after_batch(COMPUTER, a_batch(statuses=statuses), NOW + timedelta(days=1), 3)

    assert len(found.runs) == KEPT_RUNS
    assert f"monthly/{KEPT_RUNS + 9}" in found.runs
