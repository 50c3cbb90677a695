"""Runs of a drill: begun by schedule, proved by scans, judged by their targets (I5)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.objects import ContentState
from reconciler.observed.catalog import SourceFreshness
from reconciler.planning.actions import DROPS, Verb
from reconciler.planning.explain.drill_form import drill_json, drill_text
from reconciler.planning.explain.drills import explain_drill, find_drill
from reconciler.planning.render import review_digest
from reconciler.planning.syncing import sync_asked_at
from tests.unit.planning.explanations import decisions_of
from tests.worlds import HEADER, LAB_SOURCE, NOW, PlannerWorld, an_update

NAME = "Drill/fire"
DRILL = (
    HEADER
    + """
kind: Drill
metadata: {name: fire}
spec: {collection: reference, schedule: 30d, targets: {advertised: 1m, verified: 10m}}
"""
)
SITE_AND_COLLECTIONS = """
apiVersion: patchwright.dev/v1alpha1
kind: Site
metadata: {name: main}
spec: {code: PWR, mode: enforce}
---
apiVersion: patchwright.dev/v1alpha1
kind: Collection
metadata: {name: reference}
spec: {query: {fact: ring, op: In, values: [reference]}}
"""


@pytest.fixture
def world():
    """Two reference computers and another one, all of which have scanned."""
    world = PlannerWorld([SITE_AND_COLLECTIONS, DRILL])
    world.publish(an_update("app"))
    world.enrol("ref-1", ring="reference")
    world.enrol("ref-2", ring="reference")
    world.enrol("web")
    world.scan()
    return world


@pytest.fixture
def advertised(world):
    """The first run is advertised, ten seconds after it began."""
    world.step()
    world.capture()
    world.pass_time(seconds=10)
    world.step()
    return world


def run_of(world, number=1):
    return world.memory.drills[NAME, number]


def state_of(world, number=1):
    return run_of(world, number).state.value


def prove(world, *names):
    world.pass_time(minutes=1)
    world.scan(*names)
    world.step()


def left_of(world):
    """Give the names of the tables that still hold something of a run."""
    tables = ("advertisements", "programs", "assignments", "packages", "memberships")
    return [name for name in tables if getattr(world.memory, name)]


def told_of(world, type_):
    return {one.subject: one.message for one in world.plan().conditions if one.type.value == type_}


def test_run_waits_until_every_source_was_read_since(world):
    world.manifests.append(LAB_SOURCE)
    world.sources["lab"] = SourceFreshness("lab", NOW - timedelta(seconds=1))
    world.step()
    assert state_of(world) == "Syncing"
    assert not world.memory.packages

    world.sources["lab"] = SourceFreshness("lab", NOW)
    world.step()

    assert state_of(world) == "Staging"
    assert run_of(world).content_version == world.version


def test_sources_are_asked_for_while_a_run_waits_for_them(world):
    world.manifests.append(LAB_SOURCE)
    world.step()
    assert sync_asked_at((), world.memory.drills.values()) == NOW

    world.sources["lab"] = SourceFreshness("lab", NOW)
    world.step()

    assert sync_asked_at((), world.memory.drills.values()) is None


def test_review_digest_of_a_drill_does_not_depend_on_the_time(world):
    before = review_digest(world.plan())
    world.pass_time(hours=1)

    assert review_digest(world.plan()) == before


def test_run_waits_until_the_points_hold_its_scan(world):
    world.step()
    world.pass_time(minutes=5)
    world.step()
    assert state_of(world) == "Staging"
    assert [one.state for one in world.memory.assignments.values()] == [ContentState.STARTED]
    assert not world.offers()

    world.capture()
    world.step()

    assert state_of(world) == "Advertised"
    assert [one.program for one in world.offers()] == ["Expedited drill"]
    assert {one.type for one in world.memory.programs.values()} == {"expedited scan"}


def test_only_who_practises_is_asked_to_scan_and_installs_nothing(advertised):
    asked_at = run_of(advertised).steps[-1].at

    assert advertised.policy("ref-1").scan.asked == ((asked_at, asked_at),)
    assert advertised.policy("web").scan.asked == ()
    assert advertised.policy("ref-1").offers == ()


def test_run_is_proved_by_scans_of_everybody_after_the_advertisement(advertised):
    advertised.scan("ref-1", "ref-2")
    advertised.step()
    assert state_of(advertised) == "Advertised", "a scan at that very instant proves nothing"

    prove(advertised, "ref-1", "web")
    assert state_of(advertised) == "Advertised"

    prove(advertised, "ref-2")

    assert state_of(advertised) == "Verified"
    assert [step.evidence for step in run_of(advertised).steps] == [
        "the manifest took force",
        "content version 1 is the newest",
        "1 distribution point(s) hold it",
        "2 computer(s) have scanned",
    ]


def test_scan_of_an_older_catalog_proves_nothing(advertised):
    advertised.pass_time(minutes=1)
    advertised.scan("ref-1", "ref-2")
    advertised.change("ref-2", scan_version=0)
    advertised.step()

    assert state_of(advertised) == "Advertised"


def test_run_that_is_over_leaves_nothing_but_its_record(advertised):
    advertised.pass_time(minutes=1)
    advertised.scan("ref-1", "ref-2")
    plan = advertised.step()

    retired = [action.verb for action in plan.actions if action.verb in DROPS]
    assert retired == [
        Verb.FORGET_TARGETS,
        Verb.RETIRE_ADVERTISEMENT,
        Verb.RETIRE_PROGRAM,
        Verb.UNASSIGN_CONTENT,
        Verb.RETIRE_PACKAGE,
    ]
    assert left_of(advertised) == []
    assert advertised.policy("ref-1").scan.asked == ()
    assert list(advertised.memory.drills) == [(NAME, 1)]


def test_next_run_begins_by_schedule_and_not_before(advertised):
    prove(advertised, "ref-1", "ref-2")
    assert advertised.plan().wake_at == NOW + timedelta(days=30)

    advertised.now = NOW + timedelta(days=30) - timedelta(microseconds=1)
    assert advertised.step().actions == ()
    advertised.now = NOW + timedelta(days=30)
    advertised.step()

    assert state_of(advertised, 2) == "Staging"
    assert run_of(advertised, 2).steps[0].evidence == "run 1 began 30d ago"
    assert {one.name for one in advertised.memory.packages.values()} == {f"{NAME}/2"}


def test_run_that_is_not_proved_ends_when_the_next_is_due(advertised):
    first = advertised.offers()[0].id
    prove(advertised, "ref-1")
    advertised.now = NOW + timedelta(days=30)
    advertised.step()

    assert state_of(advertised) == "Unverified"
    assert run_of(advertised).steps[-1].evidence == (
        "the next run is due, and 1 of 2 have not scanned"
    )
    advertised.scan("ref-2")
    (late,) = explained(advertised, 1).late
    assert (late.computer, late.reason.value) == ("ref-2", "notScanned")
    assert state_of(advertised, 2) == "Staging"
    assert not advertised.offers()

    advertised.capture()
    advertised.step()

    (offer,) = advertised.offers()
    assert offer.release == 2
    assert offer.id != first


def test_proof_in_the_last_moment_counts(advertised):
    advertised.now = NOW + timedelta(days=30)
    advertised.scan("ref-1", "ref-2")
    advertised.step()

    assert state_of(advertised) == "Verified"
    assert state_of(advertised, 2) == "Staging"


def test_who_comes_later_is_not_asked_and_who_leaves_is_not_waited_for(advertised):
    advertised.enrol("ref-3", ring="reference")
    advertised.change("ref-2", retired=True)
    prove(advertised, "ref-1")

    assert state_of(advertised) == "Verified"


def test_nobody_left_proves_nothing(advertised):
    advertised.change("ref-1", "ref-2", retired=True)
    prove(advertised)
    assert state_of(advertised) == "Advertised"

    advertised.now = NOW + timedelta(days=30)
    advertised.step()

    evidence = run_of(advertised).steps[-1].evidence
    assert evidence == "the next run is due, and nobody is left to prove this one"


def test_no_run_begins_while_nobody_is_there(world):
    world.change("ref-1", "ref-2", retired=True)
    world.step()

    assert not world.memory.drills
    assert told_of(world, "EmptyTarget") == {
        NAME: "nobody is in its collection, so that no run begins"
    }


def test_stale_reads_move_nothing(world):
    world.fresh = False
    assert world.step().drills == ()
    world.fresh = True
    world.step()
    world.capture()
    world.fresh = False
    world.step()

    assert state_of(world) == "Staging"


@pytest.mark.parametrize(
    ("seconds", "missed"), [(59, ""), (60, "it was not advertised within 1m"), (61, "it was not")]
)
def test_target_is_missed_when_its_time_is_over(world, seconds, missed):
    world.step()
    world.pass_time(seconds=seconds)

    told = told_of(world, "DrillMissed")

    assert bool(told) == bool(missed)
    assert told.get(f"{NAME}/1", "").startswith(missed)


def test_target_that_is_met_in_its_last_moment_is_met(world):
    world.step()
    world.capture()
    world.pass_time(minutes=1)
    world.step()
    world.pass_time(minutes=9)
    world.scan("ref-1", "ref-2")
    world.step()

    assert run_of(world).took(run_of(world).state) == timedelta(minutes=10)
    assert told_of(world, "DrillMet") == {f"{NAME}/1": "everybody proved it within its targets"}
    assert not told_of(world, "DrillMissed")


def test_proved_too_late_is_missed_and_stays_so_until_another_run_is_judged(advertised):
    prove(advertised, "ref-1")
    advertised.pass_time(minutes=10)
    prove(advertised, "ref-2")
    late = {f"{NAME}/1": "not everybody had proved it within 10m"}
    assert told_of(advertised, "DrillMissed") == late

    advertised.now = NOW + timedelta(days=30)
    advertised.step()
    assert told_of(advertised, "DrillMissed") == late
    advertised.capture()
    advertised.step()
    prove(advertised, "ref-1", "ref-2")

    assert not told_of(advertised, "DrillMissed")
    assert set(told_of(advertised, "DrillMet")) == {f"{NAME}/2"}


def test_without_targets_a_run_is_missed_only_when_it_was_never_proved(advertised):
    advertised.manifests[1] = DRILL.replace(", targets: {advertised: 1m, verified: 10m}", "")
    advertised.now = NOW + timedelta(days=29)
    assert not told_of(advertised, "DrillMissed")

    advertised.now = NOW + timedelta(days=30)
    advertised.step()

    words = "not everybody had proved it when the next run was due"
    assert told_of(advertised, "DrillMissed") == {f"{NAME}/1": words}


def test_plan_wakes_for_targets(world):
    plan = world.step()
    assert plan.wake_at == NOW + timedelta(minutes=1)
    world.pass_time(minutes=1)

    assert world.step().wake_at == NOW + timedelta(minutes=10)


def test_only_the_newest_ten_runs_are_remembered(advertised):
    for number in range(2, 14):
        advertised.now = NOW + (number - 1) * timedelta(days=30)
        advertised.step()

    assert [run for _, run in sorted(advertised.memory.drills)] == list(range(4, 14))
    assert (NAME, 1, "drill") not in advertised.memory.memberships


def test_drill_that_leaves_git_is_held_until_the_commit_says_that_it_is_meant(advertised):
    advertised.manifests.pop()
    plan = advertised.step()
    assert {one.type.value for one in plan.conditions} >= {"PruneBlocked"}
    assert all(one.held for one in advertised.offers())
    assert run_of(advertised).steps

    advertised.allow_prune(1)
    advertised.step()

    assert left_of(advertised) == []
    assert not advertised.memory.drills


def test_run_that_is_not_advertised_yet_is_live_too(world):
    world.step()
    assert state_of(world) == "Staging"
    world.manifests.pop()
    plan = world.step()

    assert {one.type.value for one in plan.conditions} >= {"PruneBlocked"}
    assert state_of(world) == "Staging"


def test_drill_in_git_keeps_its_objects_when_others_are_withheld(advertised):
    """The prune guard holds what is missing from git, and nothing else (S23)."""
    other = DRILL.replace("fire", "flood").replace("reference", "everybody")
    more = HEADER + "kind: Collection\nmetadata: {name: everybody}\nspec: {query: {all: true}}\n"
    advertised.manifests += [more, *(other.replace("flood", f"flood-{n}") for n in range(6))]
    advertised.step()
    advertised.capture()
    advertised.step()
    assert len(advertised.offers()) == 7

    advertised.manifests = advertised.manifests[:3]
    advertised.step()

    held = {one.rollout: one.held for one in advertised.offers()}
    assert not held.pop(NAME)
    assert list(held.values()) == [True] * 6

    prove(advertised, "ref-1", "ref-2")
    assert state_of(advertised) == "Verified"
    assert NAME not in {one.rollout for one in advertised.memory.packages.values()}
    assert len(advertised.memory.packages) == 6


def test_renamed_drill_keeps_its_runs_and_its_objects(advertised):
    before = advertised.offers()
    renamed = "metadata: {name: smoke, annotations: {patchwright.dev/renamed-from: fire}}"
    advertised.manifests[1] = DRILL.replace("metadata: {name: fire}", renamed)
    advertised.step()
    assert advertised.plan().actions == ()

    (offer,) = advertised.offers()
    assert offer == replace(
        before[0],
        rollout="Drill/smoke",
        owner=replace(before[0].owner, name="smoke"),
    )
    assert list(advertised.memory.drills) == [("Drill/smoke", 1)]


def explained(world, number=None):
    decisions = decisions_of(world)
    drill = find_drill(decisions, "fire")
    assert drill is not None
    return explain_drill(decisions, drill, number)


def test_explanation_names_who_has_not_proved_it_and_what_is_missing(advertised):
    advertised.enrol("ref-3", ring="reference")
    advertised.enrol("ref-4", ring="reference")
    advertised.now = NOW + timedelta(days=30)
    advertised.step()
    advertised.capture()
    advertised.step()
    advertised.pass_time(minutes=2)
    advertised.contact("ref-2")
    advertised.scan("ref-3", "ref-4")
    advertised.change("ref-4", scan_version=0)

    found = explained(advertised)

    assert {one.computer: one.reason.value for one in found.late} == {
        "ref-1": "offline",
        "ref-2": "notScanned",
        "ref-4": "scanBeforeCatalog",
    }
    assert (found.asked, found.proved) == (4, 1)
    assert drill_json(found)["late"][0] == {
        "computer": "ref-1",
        "reason": "offline",
        "lastContactAt": "2026-03-02T09:00:00Z",
    }
    assert list(drill_text(found)) == [
        "Drill/fire at 2026-04-01T09:02:00Z, commit cccccccccccc",
        "run 2: Advertised: computers have to scan",
        "  Syncing after 0s: run 1 began 30d ago",
        "  Staging after 0s: content version 1 is the newest",
        "  Advertised after 0s: 1 distribution point(s) hold it",
        "  1 of 4 computer(s) have proved it",
        "  ref-1: offline, last heard of 2026-03-02T09:00:00Z",
        "  ref-2: notScanned, last heard of 2026-04-01T09:02:00Z",
        "  ref-4: scanBeforeCatalog, last heard of 2026-04-01T09:02:00Z",
        "the next run is due at 2026-05-01T09:00:00Z",
    ]


def test_explanation_before_the_first_run_says_why(world):
    world.change("ref-1", "ref-2", retired=True)

    assert list(drill_text(explained(world)))[1:] == [
        "no run has begun: nobody is in its collection, or git was not read whole"
    ]
