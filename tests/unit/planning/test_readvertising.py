"""Orders to run a phase once more, and holds that end (S16, S17)."""

from datetime import timedelta

import pytest

from reconciler.model.updates import UpdateState
from tests.worlds import HEADER, NOW, PlannerWorld, an_update


def again(word="t", name="again"):
    return HEADER + (
        f"kind: Readvertise\nmetadata: {{name: {name}}}\n"
        f"spec: {{rollout: monthly, phase: first, token: {word}}}\n"
    )


@pytest.fixture
def world():
    made = PlannerWorld()
    made.enrol("ref", ring="reference")
    made.publish(an_update("app"))
    made.scan(app=UpdateState.MISSING)
    made.step()
    made.capture()
    made.pass_time(hours=2)
    return made


def offer(world):
    (found,) = world.policy("ref").offers
    return found


def test_new_token_runs_the_phase_once_more(world):
    assert offer(world).rerun_at is None
    world.manifests.append(again())
    plan = world.step()

    assert [action.verb.value for action in plan.actions] == ["Readvertise", "ChangeAdvertisement"]
    assert plan.actions[0].cause.kind == "Readvertise"
    assert offer(world).rerun_at == NOW + timedelta(hours=2)


def test_seen_token_never_acts_again(world):
    world.manifests.append(again())
    world.step()
    world.pass_time(hours=1)
    assert world.step().actions == ()

    world.manifests.pop()
    world.step()
    world.manifests.append(again(name="other"))
    assert world.step().actions == ()
    assert offer(world).rerun_at == NOW + timedelta(hours=2)


def test_next_token_runs_it_again(world):
    world.manifests.append(again())
    world.step()
    world.pass_time(hours=1)
    world.manifests[1] = again("u")
    world.step()

    assert offer(world).rerun_at == NOW + timedelta(hours=3)


def test_phase_that_opens_later_runs_as_any_other():
    world = PlannerWorld()
    world.manifests.append(again())
    world.step()
    world.pass_time(hours=1)
    world.enrol("ref", ring="reference")
    world.publish(an_update("app"))
    world.scan(app=UpdateState.MISSING)
    world.step()
    world.capture()

    assert offer(world).rerun_at is None


def test_tokens_are_forgotten_with_their_rollout(world):
    world.manifests.append(again())
    world.step()
    assert world.memory.reruns
    world.manifests = [world.manifests[0].split("kind: Rollout")[0].rsplit("---", 1)[0]]
    world.step()
    assert world.memory.reruns  # withheld, until a commit allows it (S23)
    world.allow_prune()
    world.step()

    assert not world.memory.reruns


def test_offer_tells_when_it_was_last_held_no_more(world):
    """What came due meanwhile is spread anew from then (S17)."""
    world.edit("  releases: {every: 1h}\n", "  suspend: {reason: fire, by: ines}\n")
    world.step()
    assert (offer(world).held, offer(world).released_at) == (True, None)

    world.edit("  suspend: {reason: fire, by: ines}\n", "  releases: {every: 1h}\n")
    world.pass_time(hours=1)
    world.step()
    assert (offer(world).held, offer(world).released_at) == (False, NOW + timedelta(hours=3))

    world.pass_time(hours=1)
    assert world.step().actions == ()


def test_offer_is_released_when_a_halt_is_lifted(world):
    world.fail("ref")
    world.step()
    assert offer(world).held
    resume = "  resume: {token: t, how: retry, reason: r, by: b}\n"
    world.edit("  releases: {every: 1h}\n", resume)
    world.step()

    assert offer(world).released_at == world.now
