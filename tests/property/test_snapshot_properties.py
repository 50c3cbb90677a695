"""A snapshot holds everything that a plan looks at, and equal states make equal files."""

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.engine.snapshots import Snapshot, read_snapshot, write_snapshot
from reconciler.model.canonical import canonical_json
from reconciler.observed.fleet import Fleet
from reconciler.observed.state import ObservedState
from reconciler.planning.plan import make_plan
from reconciler.planning.render import plan_json
from tests.property.test_plans_with_memory import Site, steps
from tests.worlds import SITE


def observed(site, computers):
    memory = site.world.memory
    return ObservedState(
        Fleet(computers), site.catalog, memory, memory.latest_transition(), fresh=True
    )


def snapshot(site, computers):
    return Snapshot(observed(site, computers), SITE, site.world.now, "c" * 40)


def plan_bytes(site, state):
    return canonical_json(plan_json(make_plan(site.desired, state, SITE, site.world.now)))


@given(st.lists(steps, max_size=25), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_plan_of_a_snapshot_is_the_plan(drawn, chance):
    site = Site()
    for step in drawn:
        site.do(*step)
    site.catch_up()
    computers = list(site.world.computers.values())
    content, digest = write_snapshot(snapshot(site, computers))

    again = read_snapshot(content, "it")

    assert plan_bytes(site, again.observed) == plan_bytes(site, observed(site, computers))
    assert write_snapshot(again) == (content, digest)
    chance.shuffle(computers)
    assert write_snapshot(snapshot(site, computers)) == (content, digest)
    # The fleet that was kept up to date came about in another way, and is the same.
    kept = Snapshot(
        ObservedState(
            site.fleet, site.catalog, again.observed.memory, again.observed.latest_transition
        ),
        SITE,
        site.world.now,
        "c" * 40,
    )
    assert write_snapshot(kept) == (content, digest)
