"""A rename is not a deletion: everything remembered moves to the new name (S23)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.permits import Permit
from reconciler.model.updates import UpdateState
from reconciler.planning.actions import DROPS, Verb
from reconciler.planning.permits import Settlement
from tests.worlds import BASICS, HEADER, PlannerWorld, an_update, load_desired

MISSING = UpdateState.MISSING
WAS = "annotations: {patchwright.dev/renamed-from: monthly}"
ROLLOUT = "kind: Rollout\nmetadata: {name: monthly}"
RENAMED = f"kind: Rollout\nmetadata: {{name: weekly, {WAS}}}"
AUTHORIZATION = "kind: Authorization\nmetadata: {name: monthly}"
SECOND_ROLLOUT = (
    f"---\n{HEADER}kind: Rollout\nmetadata: {{name: monthly}}\n"
    "spec: {authorization: monthly, phases: [{name: all, collection: everybody}]}\n"
)
EMERGENCY = (
    f"{HEADER}kind: EmergencyChange\nmetadata: {{name: NAME}}\n"
    "spec:\n  bulletin: B1\n  updates: ['deb:Lab/security/app/1.1']\n"
    "  evidence: {exploited: true, cves: [CVE-2026-1]}\n"
    "  reference: reference\n  production: [everybody]\n  change: C1\n  approvedBy: [a, b]\n"
)


@pytest.fixture
def world():
    """A rollout whose first phase is open and had a failure, and whose second waits."""
    made = PlannerWorld()
    for number in range(4):
        made.enrol(f"ref-{number}", ring="reference")
    made.enrol("web")
    made.publish(an_update("app"))
    made.scan(app=MISSING)
    made.step()
    made.pass_time(minutes=1)
    made.fail("ref-0")
    made.install("ref-1", "ref-3")
    made.pass_time(minutes=10)
    made.step()
    return made


def test_all_records_move_and_nothing_is_retired(world):
    before = world.memory
    world.edit(ROLLOUT, RENAMED)
    plan = world.step()

    verbs = {action.verb for action in plan.actions}
    assert Verb.RENAME in verbs
    assert not verbs & DROPS
    (package,), (offer,) = world.memory.packages.values(), world.offers()
    assert {package.id} == {key[0] for key in before.packages}
    assert {offer.id} == {key[0] for key in before.advertisements}
    assert (package.rollout, offer.rollout) == ("weekly", "weekly")
    assert package.owner.name == offer.owner.name == "weekly"
    assert world.record("first", rollout="weekly") == replace(
        before.phases["monthly", 1, "first"], rollout="weekly"
    )
    assert world.targets("first", rollout="weekly") == {f"ref-{number}" for number in range(4)}
    for table in (world.memory.releases, world.memory.phases, world.memory.memberships):
        assert {key[0] for key in table} == {"weekly"}


def test_plan_after_a_rename_is_empty(world):
    world.edit(ROLLOUT, RENAMED)
    world.step()

    assert world.plan().actions == ()


def test_a_rename_says_its_manifest_and_the_former_name(world):
    world.edit(ROLLOUT, RENAMED)
    moves = [action for action in world.plan().actions if action.verb is Verb.RENAME]

    assert {(one.cause.kind, one.cause.name, one.cause.rule) for one in moves} == {
        ("Rollout", "weekly", "S23")
    }
    assert {one.cause.because for one in moves} == {'it was named "monthly" before'}


def test_counts_and_failures_are_the_same_after_a_rename(world):
    (before, *_) = world.plan().counts
    world.edit(ROLLOUT, RENAMED)
    (after, *_) = world.step().counts

    assert before.failed == 1
    assert replace(after, rollout="monthly") == before


def test_agents_go_on_to_report_under_the_name_that_they_know(world):
    world.capture()
    (before,) = world.policy("ref-2").offers
    world.edit(ROLLOUT, RENAMED)
    world.step()
    (after,) = world.policy("ref-2").offers

    assert (after.rollout, after.advertisement) == (before.rollout, before.advertisement)
    world.run("ref-2", rollout=after.rollout)
    assert world.plan().counts[0].reported == 4


def test_a_rename_asks_no_computer_for_another_scan(world):
    world.edit("deadline: 1d", "deadline: 1d\n      spread: 2h")
    world.step()
    before = world.policy("ref-2").scan.asked
    world.edit(ROLLOUT, RENAMED)
    world.step()

    assert world.policy("ref-2").scan.asked == before


def test_a_run_that_a_permit_was_given_for_is_found_under_the_new_name(world):
    (offer,) = world.offers()
    known = world.computers["ref-0"]
    lifetime = timedelta(hours=2)
    permit = Permit(
        known.id,
        known.ordinal,
        known.name,
        offer.id,
        "monthly",
        1,
        "first",
        known.runs["monthly/1"].began_at,
        known.runs["monthly/1"].began_at + lifetime,
    )
    world.edit(ROLLOUT, RENAMED)
    world.step()
    settlement = Settlement({known.id: known}, world.memory, world.catalog(), world.now)

    assert settlement.settle(permit) == replace(permit, began=True, failed=True)


def test_a_crash_between_any_two_moves_leads_to_the_same_end(world):
    world.edit(ROLLOUT, RENAMED)
    whole, begun = world.plan(), world.memory
    world.apply(whole)
    end = world.memory
    for done in range(len(whole.actions)):
        world.memory = begun
        world.apply(replace(whole, actions=whole.actions[:done]))
        world.step()

        assert world.memory == end


def test_the_old_name_may_be_used_again_later(world):
    world.edit(ROLLOUT, RENAMED)
    world.step()
    world.edit(RENAMED, "kind: Rollout\nmetadata: {name: weekly}")
    world.manifests[0] += SECOND_ROLLOUT
    world.step()

    numbers = set(world.memory.releases)
    assert numbers == {("weekly", 1), ("monthly", 2)}
    (count,) = [one for one in world.plan().counts if one.rollout == "monthly"]
    assert count.failed == 0


def test_renaming_again_keeps_the_name_that_agents_know(world):
    world.edit(ROLLOUT, RENAMED)
    world.step()
    world.edit(RENAMED, RENAMED.replace("monthly", "weekly").replace("name: weekly", "name: daily"))
    world.step()

    (release,) = world.memory.releases.values()
    assert (release.rollout, release.formerly) == ("daily", ("monthly", "weekly"))
    assert world.plan().counts[0].failed == 1


def test_an_annotation_that_stays_in_git_does_nothing_more(world):
    world.edit(ROLLOUT, RENAMED)
    world.step()
    world.pass_time(days=1)

    assert not [one for one in world.step().actions if one.verb is Verb.RENAME]


def test_a_name_that_has_records_of_its_own_takes_no_others(world):
    """Then the old ones are missing from git, and guarded as such."""
    weekly = SECOND_ROLLOUT.replace("name: monthly", "name: weekly")
    world.manifests[0] += weekly
    world.step()
    world.edit(BASICS[BASICS.rindex("---\n") :], "")
    world.edit("metadata: {name: weekly}", f"metadata: {{name: weekly, {WAS}}}")
    plan = world.step()

    assert not [one for one in plan.actions if one.verb is Verb.RENAME]
    assert {key[0] for key in world.memory.releases} == {"weekly"}


def test_an_authorization_keeps_its_package(world):
    before = dict(world.memory.packages)
    world.edit(AUTHORIZATION, f"kind: Authorization\nmetadata: {{name: october, {WAS}}}")
    world.edit("authorization: monthly", "authorization: october")
    plan = world.step()

    assert {action.verb for action in plan.actions} == {Verb.RENAME}
    assert world.memory.packages.keys() == before.keys()
    assert {one.name for one in world.memory.packages.values()} == {"october"}
    assert world.plan().actions == ()


def test_an_emergency_keeps_its_state_and_its_packages():
    world = PlannerWorld([BASICS, EMERGENCY.replace("NAME", "one")])
    world.enrol("ref", ring="reference")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    for _ in range(4):
        world.step()
        world.capture()
        world.pass_time(minutes=1)
        world.scan()
    before = world.memory
    assert ("EmergencyChange/one",) in before.emergencies
    named = "two, annotations: {patchwright.dev/renamed-from: one}"
    world.manifests[1] = EMERGENCY.replace("NAME", named)
    plan = world.plan()

    assert not {action.verb for action in plan.actions} & DROPS
    world.apply(plan)
    assert world.plan().actions == ()
    assert {key for key, _ in before.packages} == {key for key, _ in world.memory.packages}
    (record,) = world.memory.emergencies.values()
    assert record.rollout == "EmergencyChange/two"
    old = before.emergencies["EmergencyChange/one",]
    assert record.steps[: len(old.steps)] == old.steps


def test_a_collection_that_is_renamed_is_evaluated_anew():
    world = PlannerWorld()
    world.enrol("ref", ring="reference")
    world.step()
    was = "annotations: {patchwright.dev/renamed-from: reference}"
    world.edit("name: reference}", f"name: canary, {was}}}")
    world.edit("collection: reference", "collection: canary")
    world.step()

    assert {key[0] for key in world.memory.rolls} == {"canary", "everybody"}
    assert world.plan().actions == ()


def test_documents_are_checked_by_their_new_names():
    desired = load_desired(BASICS.replace(ROLLOUT, RENAMED))

    assert list(desired.rollouts) == ["weekly"]
