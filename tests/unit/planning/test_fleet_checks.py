"""What a fleet at hand tells of the facts and names that manifests ask for (S5, S6)."""

import pytest

from reconciler.model.problems import Severity
from reconciler.planning.fleet_checks import check_fleet
from tests.worlds import HEADER, PlannerWorld, load_desired


def collection(spec):
    return HEADER + f"kind: Collection\nmetadata: {{name: c}}\nspec: {spec}\n"


@pytest.fixture
def world():
    world = PlannerWorld()
    world.enrol("web-01", role="web", cluster="a")
    world.enrol("web-02", role="web")
    return world


def told(world, *manifests):
    problems = check_fleet(load_desired(*manifests), world.fleet())
    return [(one.code, one.severity, one.message, one.hint) for one in problems]


def test_a_fact_that_nobody_has_is_a_warning_with_the_nearest_name(world):
    query = collection("{query: {fact: rolle, op: In, values: [web]}}")

    ((code, severity, message, hint),) = told(world, query)
    assert (code, severity) == ("PW1132", Severity.WARNING)
    assert message == "no computer has the fact 'rolle'"
    assert "role" in hint


def test_a_fact_that_some_lack_is_a_note_with_their_number(world):
    query = collection("{query: {not: {fact: cluster, op: Exists}}}")

    assert told(world, query) == [
        ("PW1132", Severity.NOTE, "1 of 2 computer(s) lack the fact 'cluster'", "")
    ]


def test_a_fact_that_everybody_has_is_no_problem(world):
    assert told(world, collection("{query: {fact: role, op: Exists}}")) == []


def test_retired_computers_lack_nothing(world):
    world.change("web-02", retired=True)

    assert told(world, collection("{query: {fact: cluster, op: Exists}}")) == []


def test_the_parts_of_budgets_are_looked_at_too(world):
    spec = "{collection: c, concurrent: 1, per: rack}"
    budget = f"kind: DisruptionBudget\nmetadata: {{name: b}}\nspec: {spec}\n"

    problems = told(world, collection("{query: {all: true}}"), HEADER + budget)
    assert [message for _, _, message, _ in problems] == ["no computer has the fact 'rack'"]


@pytest.mark.parametrize("written", ["web-03", "main/web-03"])
def test_a_name_under_which_nobody_enrolled_is_a_warning(world, written):
    ((code, severity, message, _),) = told(world, collection(f"{{computers: [WEB-01, {written}]}}"))

    assert (code, severity) == ("PW1133", Severity.WARNING)
    assert written in message


def test_the_place_is_that_of_the_value(world):
    (problem,) = check_fleet(
        load_desired(collection("{computers: [web-01, web-03]}")), world.fleet()
    )

    assert (problem.at.line, problem.at.column) == (4, 28)
