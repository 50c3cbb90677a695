"""Gaps between windows against deadlines, by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.kinds.phase import Phase
from reconciler.planning.deadlines import Verdict, check_deadline, fitting_starts

DAY = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPAN = (DAY, DAY + timedelta(days=2))


def at(hours):
    return DAY + hours * HOUR


WINDOWS = [(at(4), at(8)), (at(28), at(32)), (at(52), at(56))]


def openings(begin, end):
    return [one for one in WINDOWS if one[0] < end and begin < one[1]]


def check(deadline, needed=HOUR, span=SPAN):
    phase = Phase.model_validate({"name": "p", "collection": "c", "deadline": deadline})
    return check_deadline(phase, needed, openings, span, None)


def test_start_needs_the_whole_run_in_the_window():
    assert fitting_starts(WINDOWS[:1], 4 * HOUR) == ((at(4), at(4)),)
    assert fitting_starts(WINDOWS[:1], 5 * HOUR) == ()


def test_phase_without_a_deadline_is_not_judged():
    assert check(None) is None


@pytest.mark.parametrize(
    ("deadline", "missed"),
    [
        ("21h", []),
        ("20h", [(7, 8), (31, 32)]),
        ("2h", [(0, 2), (7, 26), (31, 48)]),
    ],
)
def test_missed_openings_lie_between_the_windows(deadline, missed):
    """One that opens at hour 7 may still start then; from hour 28 on there is room again."""
    found = check(deadline)

    assert found.missed == tuple((at(a), at(b)) for a, b in missed)
    assert found.verdict is (Verdict.SOMETIMES if missed else Verdict.MET)


def test_deadline_without_any_room_is_never_met():
    assert check("2d", 5 * HOUR).verdict is Verdict.NEVER
