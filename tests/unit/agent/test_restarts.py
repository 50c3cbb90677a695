from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.agent.memory import Chain, EndedProgram, PendingRestart, RunRecord
from reconciler.agent.restarts import Now, decide, make_restart, merge, next_decision_at
from reconciler.model.orders import RestartOrder, RunOrder, UserRights
from reconciler.model.policy import Windows
from reconciler.model.run_reasons import RestartWait

NOW = datetime(2025, 9, 2, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE
RECORD = RunRecord(1, "BAR00002", "september", 1, NOW, HOUR, (), (), (), mandatory_at=NOW + HOUR)
PENDING = PendingRestart("if-required", timedelta(0), NOW, "boot", (RECORD,))
ALWAYS = Windows(always=True, updates=(), until=NOW)


def open_for(span):
    return Windows(always=False, updates=(), until=NOW, restarts=((NOW - HOUR, NOW + span),))


def program(rule, grace=timedelta(0), user=None):
    restart = RestartOrder(servers=rule, workstations=rule, grace=grace)
    order = RunOrder(restart, user or UserRights(available=False, postpone=False))
    return EndedProgram(replace(RECORD, order=order), 0, "")


def asked(*programs, needed=True):
    return make_restart(Chain(1, "boot", programs=programs), NOW, workstation=False, needed=needed)


@pytest.mark.parametrize(
    ("restart", "windows", "becomes"),
    [
        pytest.param(PENDING, ALWAYS, Now.RESTART, id="always"),
        pytest.param(PENDING, open_for(10 * MINUTE), Now.RESTART, id="ten-minutes-are-enough"),
        pytest.param(PENDING, open_for(9 * MINUTE), RestartWait.WINDOW, id="nine-are-not"),
        pytest.param(PENDING, open_for(-MINUTE), RestartWait.WINDOW, id="closed"),
        pytest.param(
            replace(PENDING, grace=5 * MINUTE),
            open_for(14 * MINUTE),
            RestartWait.WINDOW,
            id="no-grace",
        ),
        pytest.param(
            replace(PENDING, grace=5 * MINUTE), open_for(15 * MINUTE), Now.ANNOUNCE, id="announced"
        ),
        pytest.param(
            replace(PENDING, grace=5 * MINUTE, announced_at=NOW - 4 * MINUTE),
            open_for(11 * MINUTE),
            RestartWait.GRACE,
            id="grace-runs",
        ),
        pytest.param(
            replace(PENDING, grace=5 * MINUTE, announced_at=NOW - 5 * MINUTE),
            open_for(MINUTE),
            Now.RESTART,
            id="grace-over",
        ),
        pytest.param(
            replace(PENDING, grace=5 * MINUTE, announced_at=NOW - HOUR),
            open_for(-MINUTE),
            RestartWait.WINDOW,
            id="window-closed-meanwhile",
        ),
        pytest.param(
            replace(PENDING, postponed_until=NOW + MINUTE),
            ALWAYS,
            RestartWait.POSTPONED,
            id="postponed",
        ),
        pytest.param(
            replace(PENDING, postponed_until=NOW), ALWAYS, Now.RESTART, id="postponement-over"
        ),
    ],
)
def test_restart_becomes(restart, windows, becomes):
    assert decide(restart, windows, NOW) == becomes


@pytest.mark.parametrize(
    ("rules", "needed", "rule"),
    [
        pytest.param(("suppress",), True, None, id="suppressed"),
        pytest.param(("if-required",), False, None, id="not-needed"),
        pytest.param(("if-required",), True, "if-required", id="needed"),
        pytest.param(("force",), False, "force", id="forced"),
        pytest.param(("suppress", "if-required"), True, "if-required", id="stricter-counts"),
        pytest.param(("force", "suppress"), False, "force", id="strictest-counts"),
        pytest.param((), True, None, id="nothing-worked"),
    ],
)
def test_strictest_rule_asks(rules, needed, rule):
    found = asked(*(program(one) for one in rules), needed=needed)

    assert (found.rule if found else None) == rule


def test_only_those_that_ask_give_the_grace():
    found = asked(program("force", 2 * MINUTE), program("suppress"))

    assert found.grace == 2 * MINUTE


def test_user_may_postpone_until_the_deadline_where_all_that_ask_allow_it():
    may, may_not = UserRights(), UserRights(postpone=False)

    assert asked(program("force", user=may)).postpone_until == NOW + HOUR
    assert asked(program("force", user=may), program("force", user=may_not)).postpone_until is None
    assert asked(program("force")).postpone_until is None


def test_later_restart_of_the_same_boot_puts_nobody_off():
    postponed = replace(PENDING, postponed_until=NOW + MINUTE, grace=MINUTE)
    both = merge(postponed, replace(PENDING, rule="force"))

    assert (both.rule, both.grace, both.postponed_until) == ("force", MINUTE, NOW + MINUTE)
    assert merge(replace(PENDING, boot="older"), PENDING) == PENDING


def test_next_decision_is_the_earliest_moment_ahead():
    windows = Windows(always=False, updates=(), until=NOW, restarts=((NOW + HOUR, NOW + 2 * HOUR),))

    assert next_decision_at(PENDING, windows, NOW) == NOW + HOUR
    soon = replace(PENDING, announced_at=NOW, grace=MINUTE)
    assert next_decision_at(soon, windows, NOW) == NOW + MINUTE
    assert next_decision_at(PENDING, ALWAYS, NOW) is None
