"""Strategies fill in what rollouts leave out."""

from datetime import timedelta

from tests.worlds import HEADER, PlannerWorld, an_update


def test_a_strategy_fills_in_what_the_rollout_does_not_write():
    strategy = (
        HEADER
        + """
kind: RolloutStrategy
metadata: {name: standard}
spec:
  recurrence: 3d
  priority: low
  phases: [{name: only, collection: everybody}]
---
"""
        + HEADER
        + """
kind: Rollout
metadata: {name: other}
spec: {authorization: monthly, strategy: standard, priority: high}
"""
    )
    world = PlannerWorld()
    world.manifests.append(strategy)
    world.publish(an_update("app"))
    world.step()

    offers = [offer for offer in world.offers() if offer.rollout == "other"]
    assert [(one.phase, one.recurrence) for one in offers] == [("only", timedelta(days=3))]
    priorities = {one.rollout: one.priority for one in world.memory.packages.values()}
    assert priorities["other"] == "high"
