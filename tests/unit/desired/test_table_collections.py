"""What tables say is read as collections like any other (A1)."""

from datetime import time, timedelta

import pytest

from reconciler.observed.rolls import CollectionRoll
from reconciler.planning.plan import make_plan
from tests.corpora import document, judged
from tests.worlds import SITE, PlannerWorld

SET = document("CollectionSet", "set", "{table: windows.csv}")
HEAD = b"collection,computer,recurrence,start,duration,timezone,owner\n"
SATURDAY = b'sat,db-01,"FREQ=WEEKLY;BYDAY=SA",22:00,4h,local,a@corp.example\n'
TABLE = HEAD + SATURDAY + SATURDAY.replace(b"db-01", b"main/db-02").replace(b"a@", b"b@")
ROLLOUT = "\n---\n".join(
    [
        document("UpdateGroup", "all", "{type: rollup, query: {classification: [security]}}"),
        document("Authorization", "all", "{group: all}"),
        document("Rollout", "all", "{authorization: all, phases: [{name: one, collection: sat}]}"),
    ]
)


def linked(table=TABLE, manifest=SET):
    desired, problems = judged(manifest, {"windows.csv": table})
    assert desired is not None, problems
    return desired


def test_every_group_of_rows_is_a_collection():
    desired = linked(TABLE + b"sun,web-01,,,,,\n")

    assert list(desired.collections) == ["sat", "sun"]
    spec = desired.collections["sat"].document.spec
    assert spec.computers == ("db-01", "main/db-02")
    assert spec.owners == ("a@corp.example", "b@corp.example")
    (window,) = spec.maintenance_windows
    assert (window.start, window.duration) == (time(22), timedelta(hours=4))
    assert desired.collections["sun"].document.spec.maintenance_windows is None


def test_fields_that_a_table_has_not_are_as_in_a_manifest_without_them():
    spec = linked(b"collection,computer\nweb,web-1\n").collections["web"].document.spec

    assert (spec.query, spec.limit_to, spec.include, spec.exclude) == (None, None, (), ())
    assert spec.maintenance_windows is None
    assert spec.max_change == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ((), "windows.csv:2:1"),
        (("spec", "computers", 1), "windows.csv:3:5"),
        (("spec", "maintenanceWindows"), "windows.csv:2:11"),
        (("spec", "maintenanceWindows", 0, "start"), "windows.csv:2:34"),
        (("spec", "owners", 0), "windows.csv:2:49"),
        (("spec", "query"), "windows.csv:2:1"),
    ],
)
def test_its_fields_have_their_place_in_the_table(field, place):
    placed = linked().collections["sat"]

    assert str(placed.at) == "windows.csv:2:1"
    assert str(placed.locate(field)) == place


def test_phases_name_collections_of_tables():
    desired = linked(manifest=f"{SET}---\n{ROLLOUT}")

    assert desired.rollouts["all"].document.spec.phases[0].collection in desired.collections


def test_a_phase_is_warned_of_windows_of_tables_that_are_too_short():
    other = document("Collection", "other", "{query: {all: true}, maintenanceWindows: always}")
    table = TABLE.replace(b"4h", b"5m")
    _, problems = judged(f"{SET}---\n{other}---\n{ROLLOUT}", {"windows.csv": table})

    assert [one.message for one in problems if one.code == "PW1081"] == [
        'update group "all" needs 1h, and the longest window of collection "sat" has 5m'
    ]


def test_a_collection_is_made_by_one_table():
    second = document("CollectionSet", "again", "{table: more.csv}")
    tables = {"windows.csv": TABLE, "more.csv": TABLE}
    desired, problems = judged(f"{SET}---\n{second}", tables)

    assert desired is None
    (problem,) = [one for one in problems if one.is_error]
    assert 'collection "sat" is already made by the table more.csv' in problem.message
    assert str(problem.at) == "windows.csv:2:1"


def test_planner_knows_its_members_windows_and_places():
    world = PlannerWorld()
    world.enrol("db-01")
    desired = linked(manifest=f"{SET}---\n{document('Site', 'main', '{code: PWR}')}")
    plan = make_plan(desired, world.observed(), SITE, world.now)

    (action,) = plan.actions
    assert str(action.cause.at) == "windows.csv:2:1"
    assert isinstance(action.record, CollectionRoll)
    assert world.names(action.record.members) == {"db-01"}
    assert any("main/db-02" in one.message for one in plan.conditions)
    assert any("db-01" in world.names(one.members) for one in plan.guidance.windows)
