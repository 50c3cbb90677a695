"""The verdict of S10, in its order, and supersedence per computer (S8, S9)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap, FrozenBitMap

from reconciler.model.aims import Aim
from reconciler.model.rollouts import Release, ReleasedUpdate
from reconciler.model.updates import UpdateState
from reconciler.observed.memo import Memo
from reconciler.planning.collections import Collections
from reconciler.planning.scanning import recently_scanned
from reconciler.planning.verdicts import Evidence, needed_updates
from tests.worlds import NOW, SITE, PlannerWorld, an_update, load_desired

TICK = timedelta(microseconds=1)
OLD, NEW = an_update("app"), an_update("app", "1.2", supersedes=("deb:Lab/security/app/1.1",))
LIB = an_update("lib")
IDS = {"app": OLD.id, "next": NEW.id, "lib": LIB.id}
ONE, AIM = BitMap([0]), Aim.INSTALL
STATES = {"i": "installed", "m": "missing", "u": "unknown", "r": "pendingRestart"}


def a_world(**states):
    """Publish two updates of app and one of lib, of which one computer says this."""
    world = PlannerWorld()
    world.enrol("a")
    world.publish(OLD, NEW, LIB)
    world.scan("a")
    found = {IDS[name]: UpdateState(STATES[state]) for name, state in states.items()}
    world.change("a", states=found)
    return world


def evidence(world, waived=()):
    desired, catalog = load_desired(*world.manifests), world.catalog()
    observed = world.observed()
    memo = Memo.of(observed.fleet, world.now)
    collections = Collections(desired, observed, SITE.name, memo)
    recent = recently_scanned(desired, collections, memo)
    return Evidence(catalog, recent, memo, {one: FrozenBitMap([0]) for one in waived})


def a_release(*updates, revision=1):
    """Give a release of the updates in one revision."""
    held = tuple(ReleasedUpdate(one, revision) for one in sorted(updates))
    return Release("monthly", 1, 1, held, NOW)


def verdict(world, *names, aim=Aim.INSTALL, waived=()):
    """Name the verdict of the one computer for the updates."""
    updates = tuple(IDS.get(name, name) for name in names)
    found = evidence(world, waived).judge(ONE, a_release(*updates), aim)
    parts = {"unknown": found.unknown, "missing": found.non_compliant}
    parts |= {"restart": found.pending_restart, "compliant": found.compliant}
    (name,) = [name for name, who in parts.items() if who]
    return name


@pytest.mark.parametrize(
    ("app", "lib", "expected"),
    [
        ("m", "m", "missing"),
        ("m", "u", "missing"),
        ("m", "r", "missing"),
        ("u", "r", "unknown"),
        ("u", "i", "unknown"),
        ("r", "i", "restart"),
        ("i", "i", "compliant"),
    ],
)
def test_first_verdict_that_fits_counts(app, lib, expected):
    assert verdict(a_world(app=app, lib=lib), "app", "lib") == expected


def test_update_that_was_not_reported_does_not_apply():
    assert verdict(a_world(), "app", "lib") == "compliant"


def test_computer_that_never_scanned_is_unknown():
    world = a_world()
    world.change("a", last_scan_at=None, scan_version=0)

    assert verdict(world, "app") == "unknown"


@pytest.mark.parametrize(("later", "expected"), [(0 * TICK, "compliant"), (TICK, "unknown")])
def test_scan_counts_until_it_is_older_than_stale_after(later, expected):
    world = a_world(app="i")
    world.now += timedelta(days=1) + later

    assert verdict(world, "app") == expected


def test_scan_has_to_know_every_update_of_the_set():
    world = a_world(app="i")
    world.publish(an_update("tool"))

    assert verdict(world, "app") == "compliant"
    assert verdict(world, "app", an_update("tool").id) == "unknown"


def test_scan_has_to_know_the_revision_that_the_release_holds():
    world = a_world(app="i")
    world.revise(OLD.id)

    found = {
        revision: bool(
            evidence(world).judge(ONE, a_release(OLD.id, revision=revision), AIM).unknown
        )
        for revision in (1, 2)
    }

    assert found == {1: False, 2: True}


def test_waived_needs_scans_that_knew_the_others_in_the_revision_of_the_release():
    world = a_world()
    world.revise(LIB.id)
    release, newer = a_release(OLD.id, LIB.id), a_release(OLD.id, LIB.id, revision=2)
    judge = evidence(world, waived=(OLD.id,))

    assert judge.excused(ONE, release, world.fleet()) == ONE
    assert not judge.excused(ONE, newer, world.fleet())


def test_missing_in_an_old_scan_is_unknown():
    world = a_world(app="m")
    world.now += timedelta(days=2)

    assert verdict(world, "app") == "unknown"


def test_catalog_that_lost_an_update_makes_nobody_compliant():
    """Absence from the catalog proves nothing (S29)."""
    world = a_world(app="i")
    world.entries.clear()

    assert verdict(world, "app") == "unknown"


@pytest.mark.parametrize(
    ("app", "newer", "expected"),
    [
        ("m", "i", "compliant"),
        ("u", "i", "compliant"),
        ("r", "i", "compliant"),
        ("m", "m", "missing"),
        ("m", "u", "missing"),
        ("i", "m", "compliant"),
    ],
)
def test_update_counts_as_installed_where_a_superseding_one_is(app, newer, expected):
    """The superseding one is not of the set here."""
    assert verdict(a_world(app=app, next=newer), "app") == expected


@pytest.mark.parametrize(
    ("app", "newer", "expected"),
    [
        ("m", "r", "restart"),
        ("m", "m", "missing"),
        ("u", "m", "missing"),
        ("u", "r", "restart"),
        # What may not apply replaces nothing.
        ("m", "u", "missing"),
    ],
)
def test_superseded_member_is_left_out_where_the_newer_one_applies(app, newer, expected):
    assert verdict(a_world(app=app, next=newer), "app", "next") == expected


def test_superseded_member_counts_where_the_group_includes_it():
    world = a_world(app="m", next="r")

    assert verdict(world, "app", "next", aim=Aim.INSTALL_SUPERSEDED_TOO) == "missing"


@pytest.mark.parametrize("kind", ["release", "definition"])
def test_upgrade_of_the_whole_system_replaces_no_update(kind):
    world = a_world(app="m", next="r")
    world.publish(an_update("app", "1.2", supersedes=(OLD.id,), classification=kind))
    world.scan("a")

    assert verdict(world, "app", "next") == "missing"


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ("", timedelta(days=1)),
        ("12h", timedelta(hours=12)),
        ("12h 6h", timedelta(hours=6)),
        ("3d", timedelta(days=3)),
    ],
)
def test_shortest_stale_after_of_several_policies_counts(policies, expected):
    world = a_world(app="i")
    for number, span in enumerate(policies.split()):
        world.manifests.append(
            "apiVersion: patchwright.dev/v1alpha1\nkind: ScanPolicy\n"
            f"metadata: {{name: p{number}}}\nspec: {{collection: everybody,"
            f" recurrence: {{server: 1h}}, staleAfter: {{server: {span}}}}}\n"
        )
    world.now += expected
    assert verdict(world, "app") == "compliant"
    world.now += TICK

    assert verdict(world, "app") == "unknown"


@pytest.mark.parametrize(
    ("kind", "stale_after"),
    [("workstation", 7), ("portable", 14), ("server", 1), ("toaster", 1), (5, 1), (("x",), 1)],
)
def test_class_of_the_machine_decides_how_long_a_scan_counts(kind, stale_after):
    """What is no known class is a server."""
    world = a_world(app="i")
    world.change("a", facts={"class": kind})
    world.now += timedelta(days=stale_after)
    assert verdict(world, "app") == "compliant"
    world.now += TICK

    assert verdict(world, "app") == "unknown"


@given(
    st.dictionaries(st.sampled_from(sorted(IDS)), st.sampled_from(sorted(STATES))),
    st.sets(st.sampled_from(sorted(IDS)), min_size=1),
    st.sampled_from(Aim),
    st.sets(st.sampled_from(sorted(IDS.values()))),
)
def test_needs_something_exactly_when_not_compliant(states, names, aim, waived):
    """One computer's list and the fleet's bitmaps are two forms of one rule."""
    world = a_world(**states)
    listed = frozenset(IDS[name] for name in names)
    needed = needed_updates(
        world.catalog(),
        world.computers["a"].states,
        listed,
        aim,
        waived=frozenset(waived),
    )
    found = verdict(world, *names, aim=aim, waived=waived)

    assert waived.isdisjoint(needed)
    assert bool(needed) == (found == "missing")
