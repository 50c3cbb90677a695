"""Objects: why they go, how they are numbered, what a review digest covers (S20 to S27)."""

from dataclasses import replace

import pytest

from reconciler.model.updates import UpdateState
from reconciler.planning.actions import Verb
from reconciler.planning.render import plan_json, plan_text, review_digest
from tests.worlds import BASICS, PlannerWorld, an_update

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED
SECOND = """
apiVersion: patchwright.dev/v1alpha1
kind: Rollout
metadata: {name: second}
spec:
  authorization: monthly
  releases: {every: 1h}
  phases: [{name: all, collection: everybody}]
"""
ROLLOUT = "---\napiVersion: patchwright.dev/v1alpha1\nkind: Rollout"
REJECTION = """---
apiVersion: patchwright.dev/v1alpha1
kind: Rejection
metadata: {name: bad}
spec: {updates: ["deb:Lab/security/app/1.1"], reason: bricks, by: x}
"""
RETIRED = {
    Verb.RETIRE_ADVERTISEMENT,
    Verb.RETIRE_PROGRAM,
    Verb.UNASSIGN_CONTENT,
    Verb.RETIRE_PACKAGE,
}


def a_world(*more, product="app"):
    world = PlannerWorld([BASICS, *more])
    world.enrol("ref", ring="reference")
    world.enrol("web")
    world.publish(an_update(product))
    world.scan(**{product: MISSING})
    return world


def drop_rollout(world):
    """Take the rollout `monthly` out of git, by a commit that says so."""
    world.allow_prune()
    world.manifests[0] = world.manifests[0][: world.manifests[0].rindex("---\n")]


def retired(plan):
    return [action for action in plan.actions if action.verb in RETIRED]


def test_retiring_goes_from_what_refers_to_what_is_referred_to():
    world = a_world()
    world.step()
    drop_rollout(world)

    assert [action.verb for action in retired(world.plan())] == [
        Verb.RETIRE_ADVERTISEMENT,
        Verb.RETIRE_PROGRAM,
        Verb.UNASSIGN_CONTENT,
        Verb.RETIRE_PACKAGE,
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{group: rollup}", "{group: rollup, until: 2026-03-02T09:00:00Z}"),
        ("{group: rollup}", '{group: rollup, except: ["deb:Lab/security/app/1.1"]}'),
        ("    - name: first\n", "    - name: renamed\n"),
    ],
)
def test_retirement_names_the_rollout_that_caused_it(old, new):
    world = a_world()
    world.step()
    world.edit(old, new)
    causes = {action.cause for action in retired(world.plan())}

    assert {(one.kind, one.name, one.rule) for one in causes} == {("Rollout", "monthly", "S22")}
    assert all(one.at.path and one.at.line and one.commit for one in causes)


def test_retirement_names_a_rollout_that_left_git():
    world = a_world()
    world.step()
    drop_rollout(world)
    causes = {action.cause for action in retired(world.plan())}

    assert {(one.name, one.because) for one in causes} == {("monthly", "its manifest left git")}


def test_every_other_action_names_a_place():
    causes = [action.cause for action in a_world().plan().actions]

    assert all(one.at.path and one.at.line and one.commit and one.because for one in causes)


def test_program_follows_the_group():
    world = a_world()
    world.step()
    world.edit("type: rollup,", "type: rollup, maxRuntime: 3h,")
    plan = world.step()

    assert [action.verb for action in plan.actions] == [Verb.CHANGE_PROGRAM]
    assert {f"{one.max_runtime}" for one in world.memory.programs.values()} == {"3:00:00"}


def test_package_follows_the_priority_of_its_rollout():
    """The order of those who wait for a permit hangs on it (S19)."""
    world = a_world()
    world.step()
    world.edit("  releases: {every: 1h}", "  priority: high\n  releases: {every: 1h}")
    world.commit = "d" * 40
    plan = world.step()

    assert Verb.CHANGE_PACKAGE in {action.verb for action in plan.actions}
    assert {one.priority for one in world.memory.packages.values()} == {"high"}
    assert {one.owner.commit for one in world.memory.packages.values()} == {"d" * 40}
    assert world.plan().actions == ()


def test_captured_content_is_kept_by_the_next_plan():
    world = a_world()
    world.step()
    world.capture()

    assert world.plan().actions == ()


def test_rollouts_of_one_authorization_share_a_package_and_never_a_version():
    world = a_world(SECOND)
    world.step()

    versions = {(one.rollout, one.id, one.version) for one in world.memory.packages.values()}
    assert versions == {("monthly", "PWR00001", 1), ("second", "PWR00001", 2)}


def test_version_of_a_rollout_that_left_git_is_not_given_again():
    """Agents keep content by package and version; a number never means two sets of files."""
    world = a_world(SECOND.replace("second", "aaa"))
    world.step()
    newest = {one.version: one.rollout for one in world.memory.packages.values()}
    assert newest == {1: "aaa", 2: "monthly"}
    drop_rollout(world)
    world.publish(an_update("lib"))
    world.install("ref", "web", rollout="aaa")
    world.scan(lib=MISSING)
    world.pass_time(hours=2)
    world.scan()
    world.step()
    world.step()

    packages = {one.version: one.release for one in world.memory.packages.values()}
    assert packages == {1: 1, 3: 2}


def test_content_that_cannot_be_captured_is_told():
    world = a_world()
    world.step()
    ((key, assignment),) = world.memory.assignments.items()
    broken = {key: replace(assignment, problem="404")}
    world.memory = replace(world.memory, assignments=broken)

    assert "ContentMissing" in world.told()


def test_update_that_only_a_retired_release_held_is_offered_again():
    """Its successor was withdrawn, so nothing that is offered replaces it any more (S12)."""
    world = a_world()
    world.edit("gate: {success: 90%, soak: 1h}", "gate: {success: 90%}")
    newer = an_update("app", "1.2", supersedes=("deb:Lab/security/app/1.1",))
    for release in (1, 2):
        world.step()
        for names in (["ref"], ["web"]):
            world.pass_time(minutes=1)
            world.install(*names, release=release)
            world.step()
        if release == 1:
            world.pass_time(hours=2)
            world.publish(newer)
            world.scan(app=MISSING)
    world.step()
    assert world.memory.releases["monthly", 1].retired
    world.withdraw(newer)
    world.pass_time(hours=2)
    world.step()

    offered = {one for offer in world.offers() for one in offer.updates}
    assert offered == {"deb:Lab/security/app/1.1"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{group: rollup}", '{group: rollup, except: ["deb:Lab/security/app/1.1"]}'),
        ("{group: rollup}", '{group: rollup, only: ["deb:Lab/security/lib/1.1"]}'),
        ("type: rollup,", 'type: rollup, exclude: ["deb:Lab/security/app/1.1"],'),
        (ROLLOUT, REJECTION + ROLLOUT),
    ],
)
def test_what_git_takes_out_goes_though_the_catalog_lost_it(old, new):
    world = a_world()
    world.publish(an_update("lib"))
    world.step()
    world.entries.clear()
    world.edit(old, new)
    world.step()

    assert world.memory.releases["monthly", 1].removed == ("deb:Lab/security/app/1.1",)


def test_what_only_the_catalog_lost_stays():
    world = a_world()
    world.step()
    world.entries.clear()
    world.step()

    assert world.memory.releases["monthly", 1].removed == ()


def test_review_digest_is_the_same_for_other_commits_lines_ids_and_times():
    first, second = a_world(), a_world()
    second.manifests = ["# a comment\n\n" + BASICS]
    second.pass_time(days=3)
    second.scan()
    second.memory = replace(second.memory, next_number=77)
    digests = {review_digest(world.plan()) for world in (first, second)}

    assert len(digests) == 1


def other_update():
    return a_world(product="lib")


def other_collections():
    world = a_world()
    world.edit("{name: rest, collection: everybody,", "{name: rest, collection: reference,")
    world.edit("      collection: reference\n", "      collection: everybody\n")
    return world


def other_target():
    world = a_world()
    world.change("ref", facts={"ring": "none"})
    world.change("web", facts={"ring": "reference"})
    return world


def other_runtime():
    world = a_world()
    world.edit("type: rollup,", "type: rollup, maxRuntime: 3h,")
    return world


@pytest.mark.parametrize("other", [other_update, other_collections, other_target, other_runtime])
def test_review_digest_tells_other_decisions_apart(other):
    """As many updates for as many computers is not the same plan."""
    assert review_digest(a_world().plan()) != review_digest(other().plan())


def test_plan_names_its_time_zone_data():
    assert plan_json(a_world().plan())["tzdata"]


def test_plan_as_text_tells_what_why_and_where():
    world = a_world()
    lines = "\n".join(plan_text(world.plan()))
    world.step()

    assert "because release 1 may go on to it [S13] (m0.yaml:" in lines
    assert next(iter(plan_text(world.plan()))) == "nothing to do"


def test_plan_as_text_tells_conditions_and_every_kind_of_record():
    world = a_world()
    begun = list(plan_text(world.step()))
    text = "resume: {token: t, how: retry, reason: r, by: b}"
    world.edit("  authorization: monthly\n", f"  authorization: monthly\n  {text}\n")
    told = list(plan_text(world.plan()))
    drop_rollout(world)
    gone = list(plan_text(world.plan()))

    assert any("resume token" in line for line in told)
    assert any("because its manifest left git [S16]" in line for line in gone)
    assert any("because 2 computer(s) are in it [S7]" in line for line in begun)
    assert any(line.startswith("NothingToOffer: ") for line in plan_text(PlannerWorld().plan()))


def test_ended_authorization_leaves_nothing_to_converge():
    world = PlannerWorld()
    world.enrol("ref-1", ring="reference")
    world.publish(an_update("app"))
    world.scan(app=UpdateState.MISSING)
    world.step()
    world.manifests = [
        BASICS.replace("{group: rollup}", "{group: rollup, until: 2026-03-02T10:00:00Z}")
    ]
    world.pass_time(hours=2)

    world.step()

    assert world.offers() == []
    assert world.plan().converged
