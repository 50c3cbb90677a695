"""Which updates a group holds, and which an authorization offers (S8, S9)."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.kinds.update_group import UpdateGroupSpec
from reconciler.model.updates import UpdateSeverity
from reconciler.observed.catalog import Catalog
from reconciler.planning.updates import authorized_updates, group_updates, parse_severity_bound
from tests.worlds import BASICS, NOW, PlannerWorld, an_update, load_desired

TICK = timedelta(microseconds=1)
DAY = datetime(2026, 1, 10, tzinfo=UTC)


def everything(world):
    """Give what the group of the basic manifests holds."""
    spec = load_desired(BASICS).update_groups["rollup"].document.spec
    return group_updates(spec, world.catalog(), NOW)


def held(published, /, now=NOW, **spec):
    """Give the products of those updates that a group of this spec holds."""
    world = PlannerWorld(now=DAY)
    world.publish(*published)
    group = UpdateGroupSpec.model_validate({"type": "rollup", **spec})
    return sorted(one.split("/")[2] for one in group_updates(group, world.catalog(), now))


def authorized(group="{group: rollup}", more=""):
    """Give the products that an authorization offers of app, lib and tool."""
    world = PlannerWorld()
    world.publish(*(an_update(name) for name in ("app", "lib", "tool")))
    desired = load_desired(BASICS.replace("{group: rollup}", group) + more)
    found, _ = authorized_updates(desired, "monthly", world.catalog(), everything(world))
    return sorted(one.split("/")[2] for one in found)


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        (">=important", ["high", "top"]),
        (">important", ["top"]),
        ("=important", ["high"]),
        ("important", ["high"]),
        ("<=moderate", ["low", "mid", "none"]),
        ("<medium", ["low", "none"]),
        ("high", ["high"]),
        (">=negligible", ["high", "low", "mid", "none", "top"]),
        ("none", ["none"]),
    ],
)
def test_severity_is_a_bound_over_ranked_words(bound, expected):
    names = ("none", "low", "mid", "high", "top")
    updates = [
        an_update(name, severity=rank) for name, rank in zip(names, UpdateSeverity, strict=True)
    ]

    assert held(updates, query={"severity": bound}) == expected


@pytest.mark.parametrize("text", ["", "=>high", ">= high", "severe", ">=", "HIGH"])
def test_severity_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="is not a severity"):
        parse_severity_bound(text)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ({"after": "2026-01-10"}, ["app"]),
        ({"after": "2026-01-11"}, []),
        ({"before": "2026-01-10"}, []),
        ({"before": "2026-01-10T00:00:00.000001Z"}, ["app"]),
        ({"after": "2026-01-10", "before": "2026-01-11"}, ["app"]),
        ({}, ["app"]),
    ],
)
def test_released_span_includes_its_start_and_excludes_its_end(span, expected):
    assert held([an_update("app", released_at=DAY)], query={"released": span}) == expected


@pytest.mark.parametrize(("missing", "expected"), [(0 * TICK, ["app"]), (TICK, [])])
def test_min_age_holds_at_exactly_its_bound(missing, expected):
    updates = [an_update("app", released_at=DAY)]
    now = DAY + timedelta(days=7) - missing

    assert held(updates, now, query={"minAge": "7d"}) == expected


def test_age_without_a_release_date_counts_from_the_first_sight():
    updates = [an_update("app")]
    query = {"minAge": "7d"}

    assert held(updates, DAY + timedelta(days=7), query=query) == ["app"]
    assert held(updates, DAY + timedelta(days=6), query=query) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"product": ["app", "lib"]}, ["app", "lib"]),
        ({"product": ["app", "lib"], "classification": ["bugfix"]}, ["lib"]),
        ({"cves": ["CVE-2026-1", "CVE-2026-9"]}, ["app"]),
        ({"release": ["debian-11", "debian-12"]}, ["app", "lib"]),
        ({"release": ["debian-13"]}, []),
    ],
)
def test_fields_are_anded_and_their_values_ored(query, expected):
    updates = [
        an_update("app", cves=("CVE-2026-1", "CVE-2026-2")),
        an_update("lib", classification="bugfix"),
        an_update("tool", release=("debian-10",)),
    ]

    assert held(updates, query=query) == expected


def test_named_updates_join_the_query_and_exclude_beats_both():
    updates = [an_update(name) for name in ("app", "lib", "tool")]
    ids = {update.product: update.id for update in updates}

    found = held(
        updates,
        updates=[ids["lib"], ids["tool"], "nobody-knows-it"],
        query={"product": ["app", "lib"]},
        exclude=[ids["lib"]],
    )

    assert found == ["app", "tool"]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("{group: rollup}", ["app", "lib", "tool"]),
        ('{group: rollup, except: ["deb:Lab/security/app/1.1"]}', ["lib", "tool"]),
        ('{group: rollup, only: ["deb:Lab/security/app/1.1", "other"]}', ["app"]),
    ],
)
def test_authorization_takes_all_but_some_or_only_some(group, expected):
    assert authorized(group) == expected


def test_rejection_beats_only():
    rejection = (
        "---\napiVersion: patchwright.dev/v1alpha1\nkind: Rejection\nmetadata: {name: bad}\n"
        'spec: {updates: ["deb:Lab/security/app/1.1"], reason: bricks, by: x}\n'
    )
    only = '{group: rollup, only: ["deb:Lab/security/app/1.1", "deb:Lab/security/lib/1.1"]}'

    assert authorized(only, rejection) == ["lib"]


def test_withdrawn_update_is_not_authorized():
    world = PlannerWorld()
    world.publish(an_update("app"), an_update("lib"))
    world.withdraw(an_update("app"))
    desired = load_desired(BASICS)
    found, _ = authorized_updates(desired, "monthly", world.catalog(), everything(world))

    assert found == {"deb:Lab/security/lib/1.1"}


def test_named_update_that_the_catalog_lacks_is_told():
    world = PlannerWorld()
    world.edit("query: {classification: [security]}", 'updates: ["nobody-knows-it"]')

    assert "UnknownUpdate" in world.told()


@pytest.mark.parametrize(
    ("severity", "is_told"), [(UpdateSeverity.UNSET, True), (UpdateSeverity.LOW, False)]
)
def test_severity_asked_of_updates_without_one_is_told(severity, is_told):
    world = PlannerWorld()
    world.publish(an_update("app", severity=severity))
    world.edit("{classification: [security]}", '{classification: [security], severity: ">=high"}')

    assert ("SeverityMissing" in world.told()) == is_told


def superseders(**chain):
    """Build a catalog of `name=[what it supersedes]`, in capitals where it is withdrawn."""
    world = PlannerWorld()
    for name, older in chain.items():
        update = an_update(name.lower(), id=name.lower(), supersedes=tuple(older))
        world.publish(update)
        if name.isupper():
            world.withdraw(update)
    found = Catalog(entries=world.entries).superseders
    return {older: "".join(sorted(newer)) for older, newer in found.items() if newer}


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ({"a": "", "b": "a"}, {"a": "b"}),
        ({"a": "", "b": "a", "c": "b"}, {"a": "bc", "b": "c"}),
        ({"a": "", "B": "a", "c": "b"}, {"a": "c", "b": "c"}),
        ({"a": "", "B": "a"}, {}),
        ({"a": "b", "b": "a"}, {}),
        ({"a": "a"}, {}),
        ({"a": "c", "b": "a", "c": "b"}, {}),
        # A cycle supersedes nothing outside of it either, and the way leads through it.
        ({"a": "", "b": "ac", "c": "b", "d": "c"}, {"a": "d", "b": "d", "c": "d"}),
        ({"b": "x"}, {"x": "b"}),
    ],
)
def test_supersedence_is_transitive_and_ignores_cycles_and_the_withdrawn(chain, expected):
    assert superseders(**chain) == expected


def test_planner_wakes_when_the_next_update_is_old_enough():
    old = BASICS.replace("classification: [security]}", "classification: [security], minAge: 7d}")
    world = PlannerWorld([old])
    world.publish(
        an_update("app", released_at=NOW - timedelta(days=7)),
        an_update("lib", released_at=NOW - timedelta(days=6)),
        an_update("tool", released_at=NOW - timedelta(days=1)),
    )

    assert world.plan().wake_at == NOW + timedelta(days=1)
    world.now = NOW + timedelta(days=1)
    world.step()
    assert [one.id.split("/")[2] for one in world.memory.releases["monthly", 1].offered()] == [
        "app",
        "lib",
    ]
