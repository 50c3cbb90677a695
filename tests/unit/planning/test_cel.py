"""Assertions are CEL, and end within bounds whatever they ask (S24)."""

import pytest

from reconciler.desired.expressions import ExpressionError, parse_expression
from reconciler.planning.cel import MOST_STEPS, Budget, UnansweredError, as_cel, is_true

PLAN = {
    "now": "2026-03-02T09:00:00Z",
    "converged": False,
    "wakeAt": None,
    "actions": [
        {"verb": "OpenPhase", "record": {"phase": "first", "computers": 20}},
        {"verb": "RetirePackage", "record": {"version": 3}},
    ],
}


def answer(text, plan=None, steps=MOST_STEPS):
    return is_true(parse_expression(text), as_cel({"plan": plan or PLAN}), Budget(steps))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("size(plan.actions) == 2", True),
        ("plan.actions.all(a, a.verb.startsWith('Open'))", False),
        ("plan.actions.exists(a, a.verb == 'RetirePackage')", True),
        ("plan.actions.exists_one(a, a.verb == 'RetirePackage')", True),
        ("plan.actions.filter(a, has(a.record.computers)).all(a, a.record.computers < 50)", True),
        ("plan.actions.map(a, a.verb) == ['OpenPhase', 'RetirePackage']", True),
        ("plan.actions[0].record['phase'].matches('f.*')", True),
        ("plan.wakeAt == null && !plan.converged", True),
        ("'OpenPhase' in plan.actions.map(a, a.verb)", True),
        ("timestamp(plan.now) > timestamp('2026-01-01T00:00:00Z')", True),
        ("plan.converged ? 1 / 0 == 1 : true", True),
    ],
)
def test_expression_is_asked_of_the_plan(text, expected):
    assert answer(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("true || 1 / 0 == 1", True, id="or-settled-by-the-left"),
        pytest.param("1 / 0 == 1 || true", True, id="or-settled-by-the-right"),
        pytest.param("1 / 0 == 1 && false", False, id="and-settled-by-the-right"),
        pytest.param("plan.actions.exists(a, a.record.computers == 20)", True, id="exists"),
        pytest.param("plan.actions.all(a, a.record.computers == 1)", False, id="all"),
    ],
)
def test_error_does_not_matter_where_the_rest_settles_it(text, expected):
    assert answer(text) is expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("size(plan.actions)", "it gives a value, not true or false"),
        ("plan.nothing == 1", "no such member in mapping: 'nothing'"),
        ("plan.actions.all(a, a.record.computers == 20)", "no such member"),
        ("1 / 0 == 1", "divide by zero"),
        ("plan.actions < 5", "an operation does not fit its values"),
        ("plan.actions.all(a, 1)", "neither true nor false"),
        ("plan.now.all(a, true)", "all is asked of no list"),
        ("int(plan.now) == 1", "an operation does not fit|overflow"),
    ],
)
def test_expression_without_an_answer_says_why(text, why):
    with pytest.raises(UnansweredError, match=why):
        answer(text)


LONG = {"actions": [{"verb": f"v{number}", "record": {}} for number in range(3000)]}
DOUBLED = "[[1, 2, 3, 4]]" + ".map(x, x + x)" * 12


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("plan.actions.all(a, plan.actions.exists(b, b.verb == 'no'))", id="nested"),
        pytest.param("plan.actions.all(a, a.nothing == 1)", id="an-error-each"),
        pytest.param("plan.actions.all(a, plan == plan)", id="comparing-all-of-it"),
        pytest.param("plan.actions.all(a, plan.actions in [plan.actions])", id="looking-it-up"),
        pytest.param(f"plan.actions.all(a, size({DOUBLED}) == 1)", id="doubling"),
    ],
)
def test_expression_that_takes_too_long_is_given_up(text):
    with pytest.raises(UnansweredError, match="too many steps"):
        answer(text, LONG, steps=50_000)


def test_large_plan_costs_more_than_a_small_one():
    small, large = Budget(), Budget()
    expression = parse_expression("size(plan.actions) >= 0")
    is_true(expression, as_cel({"plan": PLAN}), small)
    is_true(expression, as_cel({"plan": LONG}), large)

    assert large.left < small.left


def test_steps_are_shared():
    budget, expression = Budget(40), parse_expression("size(plan.actions) >= 0")
    is_true(expression, as_cel({"plan": PLAN}), budget)

    with pytest.raises(UnansweredError, match="too many steps"):
        is_true(expression, as_cel({"plan": PLAN}), budget)


@pytest.mark.parametrize("text", ["(" * 14 + "true" + ")" * 14, "!" * 100 + "true"])
def test_deepest_expression_that_is_taken_can_be_answered(text):
    assert answer(text) is True


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("plan.actions ==", "no CEL"),
        ("actions == 1", "names 'actions'"),
        (".other == 1", "names 'other'"),
        ("now() == 1", "calls 'now'"),
        ("plan.actions.sum() == 1", "calls 'sum'"),
        ("plan.actions.min() == 1", "calls 'min'"),
        ("plan.actions.all(a.b, true)", "name of a variable"),
        ("plan.actions.all(a, b, true)", "name of a variable"),
        ("plan{a: 1} == 1", "makes an object"),
        ("(" * 40 + "true" + ")" * 40, "nested too deep"),
        ("'" + "a" * 2000 + "' == plan.now", "longer than 2,000"),
    ],
)
def test_expression_that_cannot_be_asked_is_told_without_a_plan(text, why):
    with pytest.raises(ExpressionError, match=why):
        parse_expression(text)


def test_nothing_of_the_plan_is_logged(caplog, capfd):
    with pytest.raises(UnansweredError):
        answer("plan.actions.all(a, a.verb + 1 == 2) || 1 < 'a'")

    assert not caplog.records
    assert capfd.readouterr() == ("", "")
