from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.agent.memory import Choice, Memory
from reconciler.agent.reminders import reminder_at
from reconciler.model.orders import Reminder, RunOrder, UserRights
from tests.unit.agent.test_due import HOUR, NOW, OFFER

DEADLINE = NOW + 10 * HOUR
RIGHTS = UserRights(reminders=(Reminder(24 * HOUR), Reminder(12 * HOUR, 4 * HOUR)))
REMINDED = replace(OFFER, mandatory_at=DEADLINE, order=RunOrder(user=RIGHTS))


@pytest.mark.parametrize(
    ("now", "given", "due", "ahead"),
    [
        pytest.param(-30 * HOUR, None, None, -24 * HOUR, id="before-the-first"),
        pytest.param(-24 * HOUR, None, -24 * HOUR, -12 * HOUR, id="the-first"),
        pytest.param(-20 * HOUR, -24 * HOUR, None, -12 * HOUR, id="given-already"),
        pytest.param(-3 * HOUR, -24 * HOUR, -4 * HOUR, None, id="the-last-of-those-missed"),
        pytest.param(-9 * HOUR, -12 * HOUR, None, -8 * HOUR, id="every-so-often"),
        pytest.param(timedelta(0), None, None, None, id="at-the-deadline-it-is-too-late"),
    ],
)
def test_reminder_is_due(now, given, due, ahead):
    reminded = {} if given is None else {OFFER.advertisement: DEADLINE + given}
    expected = tuple(None if one is None else DEADLINE + one for one in (due, ahead))

    assert reminder_at(REMINDED, Memory(reminded=reminded), DEADLINE + now) == expected


def test_user_who_postponed_is_left_alone():
    memory = Memory(choices={OFFER.advertisement: Choice(postponed_until=NOW + HOUR)})

    assert reminder_at(REMINDED, memory, NOW) == (None, NOW + HOUR)


def test_nobody_is_reminded_where_no_user_may_decide():
    order = RunOrder(user=replace(RIGHTS, available=False))

    assert reminder_at(replace(REMINDED, order=order), Memory(), NOW) == (None, None)
