"""A standalone's objects retire once rollups hold its updates (S20, E3)."""

import pytest

from reconciler.model.updates import UpdateState
from tests.worlds import BASICS, HEADER, PlannerWorld, an_update

MISSING = UpdateState.MISSING
APP = "deb:Lab/security/app/1.1"
URGENT = f"""
{HEADER}kind: UpdateGroup
metadata: {{name: urgent}}
spec: {{type: standalone, updates: ["{APP}"]}}
---
{HEADER}kind: Authorization
metadata: {{name: urgent}}
spec: {{group: urgent}}
---
{HEADER}kind: Rollout
metadata: {{name: urgent}}
spec:
  authorization: urgent
  phases: [{{name: everyone, collection: everybody, deadline: 0s}}]
"""
ROLLUP = BASICS[BASICS.index("apiVersion", BASICS.index("name: reference")) :]
FLEET = BASICS[: -len(ROLLUP)]


@pytest.fixture
def world():
    """Two computers that miss one update, offered by a standalone and by a rollup."""
    made = PlannerWorld([FLEET.rstrip().removesuffix("---"), URGENT, ROLLUP])
    made.enrol("ref-1", ring="reference")
    made.enrol("web-1")
    made.publish(an_update("app"))
    made.scan(app=MISSING)
    made.step()
    return made


def urgent_offers(world):
    return [offer for offer in world.offers() if offer.rollout == "urgent"]


def test_standalone_stays_while_somebody_needs_it(world):
    world.pass_time(minutes=1)
    world.install("ref-1", rollout="urgent")
    world.step()

    assert len(urgent_offers(world)) == 1


def test_standalone_retires_when_all_comply_and_a_rollup_holds_it(world):
    world.pass_time(minutes=1)
    world.install(rollout="urgent")
    world.step()

    assert urgent_offers(world) == []
    assert world.memory.releases["urgent", 1].folded
    assert world.plan().actions == ()


def test_standalone_does_not_retire_on_stale_reads(world):
    """A retired release would go at the next read, whatever that says (S29)."""
    world.pass_time(minutes=1)
    world.install(rollout="urgent")
    world.fresh = False
    world.step()
    assert not world.memory.releases["urgent", 1].retired

    world.fresh = True
    world.step()
    assert urgent_offers(world) == []


@pytest.mark.parametrize(("away", "offered"), [(6, 1), (7, 0)])
def test_standalone_does_not_wait_for_who_is_unreachable(world, away, offered):
    gate = "deadline: 0s, gate: {unreachableAfter: 7d}"
    world.manifests[1] = URGENT.replace("deadline: 0s", gate)
    world.pass_time(days=away)
    world.install("ref-1", rollout="urgent")
    world.step()

    assert len(urgent_offers(world)) == offered


def test_standalone_that_no_rollup_holds_stays(world):
    world.manifests[2] = ROLLUP.replace("{group: rollup}", f'{{group: rollup, except: ["{APP}"]}}')
    world.pass_time(minutes=1)
    world.install(rollout="urgent")
    world.step()

    assert len(urgent_offers(world)) == 1


def test_rollup_that_targets_only_some_does_not_retire_it(world):
    world.manifests[2] = ROLLUP.replace("collection: everybody", "collection: reference")
    world.pass_time(minutes=1)
    world.install(rollout="urgent")
    world.step()

    assert len(urgent_offers(world)) == 1


def test_rollup_never_retires_by_itself(world):
    world.pass_time(minutes=1)
    world.install()
    world.step()

    assert [offer for offer in world.offers() if offer.rollout == "monthly"] != []


def test_retired_standalone_offers_what_is_new_in_it(world):
    world.pass_time(minutes=1)
    world.install(rollout="urgent")
    world.step()
    world.publish(an_update("lib"))
    world.scan(lib=MISSING)
    world.manifests[1] = URGENT.replace(f'["{APP}"]', f'["{APP}", "deb:Lab/security/lib/1.1"]')
    world.pass_time(days=2)
    world.scan()
    world.step()

    assert [offer.updates for offer in urgent_offers(world)] == [(APP, "deb:Lab/security/lib/1.1")]
