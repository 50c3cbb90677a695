"""A careless deletion in git takes nothing from the fleet until a commit says so (S23)."""

from dataclasses import replace

import pytest

from reconciler.model.grants import Grant
from reconciler.model.updates import UpdateState
from reconciler.planning.actions import DROPS, Verb
from tests.worlds import BASICS, HEADER, PlannerWorld, an_update

MISSING = UpdateState.MISSING
HEAD = BASICS[: BASICS.index("---\napiVersion: patchwright.dev/v1alpha1\nkind: Rollout")]


def a_rollout(name, *phases):
    listed = "".join(
        f"    - {{name: {phase}, collection: {phase}, gate: {{success: 1%}}}}\n" for phase in phases
    )
    return (
        f"---\n{HEADER}kind: Rollout\nmetadata: {{name: {name}}}\n"
        f"spec:\n  authorization: monthly\n  phases:\n{listed}"
    )


def manifests_of(count, *phases):
    rollouts = (a_rollout(f"r{number:02}", *(phases or ("everybody",))) for number in range(count))
    return HEAD + "".join(rollouts)


@pytest.fixture
def world():
    """Ten rollouts that have each an advertisement."""
    made = PlannerWorld([manifests_of(10)])
    made.enrol("pc")
    made.publish(an_update("app"))
    made.scan(app=MISSING)
    made.step()
    assert len(made.offers()) == 10
    return made


def leave(world, count, commit="d" * 40):
    world.manifests = [manifests_of(count)]
    world.commit = commit


def test_five_may_leave_at_once(world):
    leave(world, 5)
    world.step()

    assert len(world.offers()) == 5
    assert "PruneBlocked" not in world.told()


def test_six_of_ten_are_withheld_and_held(world):
    leave(world, 4)
    plan = world.step()

    assert [action.verb for action in plan.actions] == [Verb.CHANGE_ADVERTISEMENT] * 6
    assert sum(offer.held for offer in world.offers()) == 6
    (told,) = [one for one in plan.conditions if one.type.value == "PruneBlocked"]
    assert told.subject == "Site/main"
    assert "6 of 10" in told.message
    assert "Allow-Prune: 6" in told.message
    assert not world.plan().converged


def test_plan_after_apply_is_empty_while_withheld(world):
    leave(world, 0)
    world.step()

    assert world.plan().actions == ()


def test_six_of_thirty_may_leave():
    world = PlannerWorld([manifests_of(30)])
    world.enrol("pc")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    world.step()
    leave(world, 24)
    world.step()

    assert len(world.offers()) == 24


def test_nothing_left_to_roll_out_is_withheld_whatever_its_size():
    world = PlannerWorld()
    world.enrol("ref-1", ring="reference")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    world.step()
    before = world.memory
    leave(world, 0)
    world.step()

    assert "PruneBlocked" in world.told()
    assert world.memory.releases == before.releases
    assert [offer.held for offer in world.offers()] == [True]


def test_everything_comes_back_with_the_manifests(world):
    """Only that the offers were held meanwhile is seen on them (S17)."""
    before = world.memory
    leave(world, 0)
    world.step()
    leave(world, 10, "c" * 40)
    world.step()

    offers = world.memory.advertisements
    assert {one.released_at for one in offers.values()} == {world.now}
    as_before = {key: replace(one, released_at=None) for key, one in offers.items()}
    assert replace(world.memory, advertisements=as_before) == before


def test_a_large_enough_grant_lets_them_retire_and_is_used_up(world):
    leave(world, 4)
    world.step()
    world.commit, world.grants = "e" * 40, (Grant("e" * 40, 6),)
    plan = world.step()

    assert len(world.offers()) == 4
    assert {record.rollout for record in world.memory.releases.values()} == {
        f"r{number:02}" for number in range(4)
    }
    drops = [action.verb in DROPS for action in plan.actions]
    assert drops == sorted(drops, reverse=True)
    assert plan.actions[-1].verb is Verb.SPEND_GRANT
    assert world.plan().actions == ()


def test_a_grant_that_is_too_small_lets_nothing_retire(world):
    leave(world, 4)
    world.grants = (Grant("e" * 40, 5),)
    world.step()

    assert len(world.offers()) == 10
    assert world.memory.grants == {}


def test_the_smallest_sufficient_grant_is_used(world):
    leave(world, 4)
    world.grants = (Grant("e" * 40, 100), Grant("f" * 40, 7), Grant("0" * 40, 2))
    world.step()

    assert set(world.memory.grants) == {("f" * 40,)}


def test_a_used_grant_is_not_used_again(world):
    leave(world, 4)
    world.grants = (Grant("e" * 40, 6),)
    world.step()
    leave(world, 0, "f" * 40)
    world.step()

    assert len(world.offers()) == 4
    assert "PruneBlocked" in world.told()


def test_a_used_grant_is_forgotten_when_no_commit_can_bring_it_again(world):
    leave(world, 4)
    world.grants = (Grant("d" * 40, 6),)
    world.step()
    world.grants = ()
    assert world.plan().actions == ()

    world.commit = "f" * 40
    (action,) = world.step().actions

    assert action.verb is Verb.FORGET_GRANT
    assert world.memory.grants == {}


def test_a_grant_that_nothing_needs_stays_unused(world):
    leave(world, 9)
    world.grants = (Grant("e" * 40, 6),)
    world.step()

    assert len(world.offers()) == 9
    assert world.memory.grants == {}


def test_a_crash_in_the_middle_of_a_granted_plan_leads_to_the_same_end(world):
    leave(world, 4)
    world.grants = (Grant("e" * 40, 6),)
    whole = world.plan()
    begun = world.memory
    world.apply(whole)
    end = world.memory
    for done in range(len(whole.actions)):
        world.memory = begun
        world.apply(replace(whole, actions=whole.actions[:done]))
        world.step()

        left = world.memory
        assert replace(left, grants={}) == replace(end, grants={})


def test_phases_that_leave_their_lists_are_withheld_too():
    two = ("reference", "everybody")
    world = PlannerWorld([manifests_of(10, *two)])
    world.enrol("ref-1", ring="reference")
    world.enrol("pc")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    world.step()
    before = world.memory
    world.manifests = [manifests_of(10, "everybody")]
    world.step()

    assert "PruneBlocked" in world.told()
    assert all(offer.held for offer in world.offers() if offer.phase == "reference")
    assert world.plan().actions == ()
    for key, record in before.phases.items():
        assert world.memory.phases[key] == record
    assert before.memberships.keys() <= world.memory.memberships.keys()


def test_nothing_is_withheld_nor_retired_on_a_stale_read(world):
    world.fresh = False
    leave(world, 0)
    world.step()

    assert len(world.offers()) == 10
    assert not any(offer.held for offer in world.offers())
    assert "PruneBlocked" not in world.told()
