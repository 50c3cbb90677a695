"""An approval is about the updates that were there when it was given (S24)."""

from datetime import timedelta

from reconciler.observed.catalog import SourceFreshness
from reconciler.planning.conditions import ConditionType
from tests.worlds import BASICS, HEADER, PlannerWorld, an_update

POLICY = f"""{HEADER}kind: Policy
metadata: {{name: p}}
spec: {{minApprovers: 1, approvers: {{verified: false}}}}
"""
SOURCE = f"""{HEADER}kind: CatalogSource
metadata: {{name: lab}}
spec: {{type: apt, location: "https://archive.example/", suites: [x]}}
"""
# A release that has opened nowhere takes in whatever is authorized.
OPEN = BASICS.replace(
    "deadline: 1d", "opens: {notBefore: 2026-05-01T00:00:00Z}\n      deadline: 1d"
)
APPROVAL = "{group: rollup, approvedBy: [x]}"
APPROVED = OPEN.replace("{group: rollup}", APPROVAL)
APP, LIB = an_update("app").id, an_update("lib").id


def a_world(*manifests):
    world = PlannerWorld(manifests=[APPROVED, POLICY, *manifests])
    world.enrol("ref", ring="reference")
    return world


def offered(world):
    return {
        update
        for release in world.memory.releases.values()
        if not release.retired
        for update in release.ids
    }


def waits(world):
    return ConditionType.AWAITING_APPROVAL in {one.type for one in world.plan().conditions}


def test_what_comes_later_is_in_no_release():
    world = a_world()
    world.publish(an_update("app"))
    world.step()
    world.publish(an_update("lib"))
    world.step()

    assert offered(world) == {APP}
    assert waits(world)


def test_edit_of_the_group_alone_approves_nothing():
    world = a_world()
    world.publish(an_update("app"), an_update("lib", classification="bugfix"))
    world.step()
    world.edit("classification: [security]", "classification: [security, bugfix]")
    world.step()

    assert offered(world) == {APP}
    assert waits(world)


def test_without_a_policy_that_asks_everything_comes_in():
    world = PlannerWorld(manifests=[OPEN])
    world.publish(an_update("app"))
    world.step()
    world.publish(an_update("lib"))
    world.step()

    assert offered(world) == {APP, LIB}
    assert world.memory.approved == {}


def test_nothing_is_noted_before_every_source_was_read():
    world = a_world(SOURCE)
    world.publish(an_update("app"))
    world.sources["lab"] = SourceFreshness("lab", None, "not read yet")
    world.step()
    assert world.memory.approved == {}
    assert offered(world) == set()

    world.publish(an_update("lib"))
    world.sources["lab"] = SourceFreshness("lab", world.now)
    world.step()
    assert offered(world) == {APP, LIB}


def test_nothing_is_noted_of_a_catalog_that_never_held_anything():
    world = a_world()
    world.step()
    world.publish(an_update("app"))
    world.step()

    assert offered(world) == {APP}


def test_policy_that_comes_later_takes_nothing_out_of_a_release():
    world = a_world(SOURCE)
    policy = world.manifests.pop(1)
    world.publish(an_update("app"))
    world.sources["lab"] = SourceFreshness("lab", None, "not read yet")
    world.step()
    world.manifests.append(policy)
    world.step()

    assert offered(world) == {APP}


def test_policy_of_other_collections_asks_for_no_approval():
    policy = POLICY.replace("{minApprovers", "{appliesTo: {collections: [lab]}, minApprovers")
    lab = f"{HEADER}kind: Collection\nmetadata: {{name: lab}}\nspec: {{computers: [a]}}\n"
    world = PlannerWorld(manifests=[APPROVED, policy, lab])
    world.publish(an_update("app"))
    world.step()

    assert world.memory.approved == {}


def test_approval_is_forgotten_when_nobody_asks_for_it():
    world = a_world()
    world.publish(an_update("app"))
    world.step()
    world.manifests.remove(POLICY)
    world.fresh = False
    world.step()
    assert set(world.memory.approved) == {("monthly",)}

    world.fresh = True
    world.step()
    assert world.memory.approved == {}


def test_update_that_ripens_after_the_approval_waits():
    query = "query: {classification: [security]}"
    world = a_world()
    world.edit(query, "query: {classification: [security], minAge: 2d}")
    world.publish(an_update("app"))
    world.now += timedelta(days=3)
    world.publish(an_update("lib"))
    world.step()
    world.now += timedelta(days=3)
    world.step()

    assert offered(world) == {APP}
    assert waits(world)


def test_approval_stays_while_the_prune_guard_withholds_what_left_git():
    """The manifests come back with what was approved, and not with what came meanwhile."""
    world = PlannerWorld(manifests=[BASICS.replace("{group: rollup}", APPROVAL), POLICY])
    world.enrol("ref", ring="reference")
    world.publish(an_update("app"))
    world.step()
    before, text = world.memory.approved, world.manifests[0]
    world.manifests[0] = text[: text.index(f"---\n{HEADER}kind: Authorization")]
    world.step()
    assert "PruneBlocked" in world.told()
    world.publish(an_update("lib"))
    world.step()
    world.manifests[0] = text
    world.step()

    assert world.memory.approved == before
    assert waits(world)
