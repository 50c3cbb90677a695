"""Who is in a collection (S5, S6)."""

import json
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.ids import unit_interval_position
from reconciler.model.updates import UpdateState
from reconciler.observed.memo import Memo
from reconciler.planning.collections import Collections
from tests.worlds import SITE, PlannerWorld, an_update, load_desired

APP = "deb:Lab/security/app/1.1"
TICK = timedelta(microseconds=1)
A_WEEK_OLD = {"lastScan": {"olderThan": "7d"}}


@pytest.fixture
def world():
    """Computer a has facts of every type, b others of the same types, c has none of them."""
    made = PlannerWorld()
    made.enrol("a", size=5, share=0.5, word="web", flag=True, tags=("x", "y"), v="1.10")
    made.enrol("b", size=7, share=7.5, word="db", flag=False, tags=(), v="1.9")
    made.enrol("c")
    return made


def evaluate(world, **specs):
    """Evaluate collections that are given as JSON values of their specs."""
    texts = [
        json.dumps(
            {
                "apiVersion": "patchwright.dev/v1alpha1",
                "kind": "Collection",
                "metadata": {"name": name},
                "spec": spec,
            }
        )
        for name, spec in specs.items()
    ]
    observed = world.observed()
    memo = Memo.of(observed.fleet, world.now)
    return Collections(load_desired(*texts), observed, SITE.name, memo)


def members(world, spec, **others):
    return "".join(sorted(world.names(evaluate(world, it=spec, **others).members("it"))))


def selected(world, query):
    return members(world, {"query": query})


def told(world, spec):
    collections = evaluate(world, it=spec)
    collections.members("it")
    return [(one.type.value, one.message) for one in collections.conditions()]


@pytest.mark.parametrize(
    ("fact", "op", "values", "expected"),
    [
        ("size", "In", [5], "a"),
        ("size", "In", [5.0, 7], "ab"),
        ("size", "In", ["5"], ""),
        ("flag", "In", [True], "a"),
        ("flag", "In", [1], ""),
        ("size", "In", [True], ""),
        ("word", "In", ["web", "db"], "ab"),
        ("tags", "In", ["y"], "a"),
        ("size", "NotIn", [5], "bc"),
        ("tags", "NotIn", ["x"], "bc"),
        ("tags", "NotIn", ["z"], "abc"),
        ("size", "Exists", [], "ab"),
        ("tags", "Exists", [], "ab"),
        ("size", "NotExists", [], "c"),
        ("size", "Lt", [7], "a"),
        ("size", "Le", [7], "ab"),
        ("size", "Gt", [5], "b"),
        ("size", "Ge", [5], "ab"),
        ("share", "Gt", [1], "b"),
        ("flag", "Lt", [5], ""),
        ("word", "Lt", [5], ""),
        ("word", "Matches", ["w.*"], "a"),
        ("word", "Matches", ["we"], ""),
        ("word", "Matches", ["we", "d."], "b"),
        ("tags", "Matches", ["[xz]"], "a"),
        ("size", "Matches", ["5"], ""),
        ("v", "VersionLt", ["1.10"], "b"),
        ("v", "VersionLe", ["1.10"], "ab"),
        ("v", "VersionGt", ["1.9"], "a"),
        ("v", "VersionGe", ["1.9"], "ab"),
        ("size", "VersionGe", ["1"], ""),
    ],
)
def test_operator_selects(world, fact, op, values, expected):
    assert selected(world, {"fact": fact, "op": op, "values": values}) == expected


@pytest.mark.parametrize(
    ("op", "values", "expected"),
    [
        ("NotIn", ["x"], "abc"),
        ("NotExists", [], "abc"),
        ("Exists", [], ""),
        ("In", ["x"], ""),
        ("Gt", [1], ""),
        ("Matches", [".*"], ""),
        ("VersionGe", ["0"], ""),
    ],
)
def test_fact_that_all_lack_is_true_for_the_negations_only(world, op, values, expected):
    assert selected(world, {"fact": "nothing", "op": op, "values": values}) == expected


@pytest.mark.parametrize(
    ("family", "version", "query", "expected"),
    [
        # To dpkg a plus sorts before a dot; to rpm both only separate.
        ("debian", "1.0+1", "VersionLt 1.0.1", "c"),
        ("ubuntu", "1.0+1", "VersionLt 1.0.1", "c"),
        ("rhel", "1.0+1", "VersionLt 1.0.1", ""),
        ("suse", "1.0+1", "VersionGe 1.0.1", "c"),
        ("debian", "v1.0", "VersionGe 0", ""),
        ("debian", "1:v1.0", "VersionGe 0", ""),
        ("debian", "not a version", "VersionGe 0", ""),
        ("debian", "1.0", "VersionLt next", ""),
        ("rhel", "x:1.0", "VersionGe 0", ""),
        ("rhel", "v1.0", "VersionLt 1", "c"),
    ],
)
def test_versions_follow_the_family(world, family, version, query, expected):
    world.change("c", facts={"os.family": family, "package.app": version})
    op, bound = query.split()

    assert selected(world, {"fact": "package.app", "op": op, "values": [bound]}) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"all": True}, "abc"),
        ({"not": {"all": True}}, ""),
        ({"allOf": [{"fact": "size", "op": "Exists"}]}, "ab"),
        ({"allOf": [{"all": True}, {"fact": "size", "op": "Gt", "values": [5]}]}, "b"),
        ({"anyOf": [{"fact": "flag", "op": "In", "values": [True]}, {"not": {"all": True}}]}, "a"),
        ({"not": {"fact": "size", "op": "Lt", "values": [6]}}, "bc"),
    ],
)
def test_parts_nest(world, query, expected):
    assert selected(world, query) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ""),
        ({"computers": ["c"]}, "c"),
        ({"query": {"fact": "flag", "op": "In", "values": [True]}, "computers": ["c"]}, "ac"),
        ({"include": ["few", "last"]}, "abc"),
        ({"query": {"all": True}, "limitTo": "few"}, "ab"),
        ({"query": {"all": True}, "exclude": ["few"]}, "c"),
        ({"computers": ["a"], "exclude": ["few"]}, ""),
        ({"include": ["last"], "limitTo": "few"}, ""),
        ({"query": {"collection": "last"}, "include": ["few"], "exclude": ["last"]}, "ab"),
    ],
)
def test_members_are_united_limited_and_excluded(world, spec, expected):
    few, last = {"computers": ["a", "b"]}, {"computers": ["c"]}

    assert members(world, spec, few=few, last=last) == expected


def test_retired_computers_are_in_no_collection(world):
    world.change("a", retired=True)

    assert members(world, {"query": {"all": True}, "computers": ["a"]}) == "bc"
    assert selected(world, {"fact": "nothing", "op": "NotExists"}) == "bc"
    assert selected(world, A_WEEK_OLD) == "bc"


def test_unknown_name_is_told_and_joins_when_it_enrols(world):
    spec = {"computers": ["d"]}
    assert told(world, spec) == [("UnknownComputer", "1 named computer(s) have not enrolled: d")]
    world.enrol("d")

    assert told(world, spec) == []
    assert members(world, spec) == "d"


def test_ambiguous_name_joins_none(world):
    world.change("b", name="a")

    assert members(world, {"computers": ["a", "c"]}) == "c"
    assert told(world, {"computers": ["a"]}) == [
        ("AmbiguousComputer", "1 name(s) are those of several: a")
    ]


@pytest.mark.parametrize(("written", "expected"), [("main/a", "a"), ("other/a", ""), ("A", "a")])
def test_name_may_tell_the_site(world, written, expected):
    assert members(world, {"computers": [written]}) == expected


@pytest.mark.parametrize(("later", "expected"), [(-TICK, "bc"), (0 * TICK, "bc"), (TICK, "abc")])
def test_scan_is_older_only_beyond_the_bound(world, later, expected):
    world.version = 1
    world.scan("a")
    world.now += timedelta(days=7) + later

    assert selected(world, A_WEEK_OLD) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("missing", "a"),
        ("installed", "b"),
        ("pendingRestart", "c"),
        ("notApplicable", "d"),
        ("unknown", "ef"),
    ],
)
def test_update_leaf_tells_the_state_of_the_last_scan(world, state, expected):
    """Computer e never scanned, f scanned and could not tell."""
    for name in "def":
        world.enrol(name)
    world.publish(an_update("app"))
    for name, found in zip("abc", ["missing", "installed", "pendingRestart"], strict=True):
        world.scan(name, app=UpdateState(found))
    world.scan("d")
    world.scan("f", app=UpdateState.UNKNOWN)

    assert selected(world, {"update": APP, "state": state}) == expected


def test_update_that_the_catalog_lacks_is_unknown_everywhere(world):
    world.scan()

    assert selected(world, {"update": "nothing", "state": "unknown"}) == "abc"
    assert selected(world, {"update": "nothing", "state": "notApplicable"}) == ""


def test_scan_of_an_older_catalog_knows_nothing_of_a_new_update(world):
    world.publish(an_update("lib"))
    world.scan()
    world.publish(an_update("app"))

    assert selected(world, {"update": APP, "state": "unknown"}) == "abc"


def test_lack_of_each_fact_used_is_counted(world):
    query = {"anyOf": [{"fact": "size", "op": "Exists"}, {"fact": "nothing", "op": "Exists"}]}

    assert [message for _, message in told(world, {"query": query})] == [
        "1 lack fact 'size'",
        "3 lack fact 'nothing'",
    ]


@given(st.integers(1, 40), st.lists(st.uuids(), min_size=1, max_size=30, unique=True))
def test_shards_are_a_partition_by_computer_id(of, ids):
    world = PlannerWorld()
    for number, one in enumerate(ids):
        world.enrol(str(number))
        world.computers[str(number)] = replace(world.computers[str(number)], id=one.hex)
    fleet = world.fleet()
    parts = [world.names(fleet.in_shards(range(number, number + 1), of)) for number in range(of)]

    assert sum(len(part) for part in parts) == len(ids)
    assert world.names(fleet.in_shards(range(of), of)) == world.names(fleet.enrolled)
    for name, computer in world.computers.items():
        u = Fraction(unit_interval_position(f"patchwright.dev/shard/v1\n{computer.id}"), 2**64)
        assert name in parts[int(u * of)]


def test_shard_leaf_takes_the_parts_that_it_names(world):
    both = selected(world, {"shard": {"of": 2, "in": [0, 1]}})
    halves = [selected(world, {"shard": {"of": 2, "in": [part]}}) for part in (0, 1)]

    assert both == "abc" == "".join(sorted("".join(halves)))


@given(st.sets(st.integers(0, 9), min_size=1))
def test_shard_leaf_takes_each_part_wherever_it_stands(numbers):
    world = PlannerWorld()
    for name in ascii_letters:
        world.enrol(name)
    parts = [selected(world, {"shard": {"of": 10, "in": [one]}}) for one in numbers]

    found = selected(world, {"shard": {"of": 10, "in": sorted(numbers, reverse=True)}})
    assert found == "".join(sorted("".join(parts)))
