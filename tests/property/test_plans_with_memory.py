"""A plan is the same whether or not anything was kept from earlier ones (S25)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.computers import RunOutcome
from reconciler.model.updates import UpdateState
from reconciler.observed.fleet import Fleet
from reconciler.observed.memo import Memo
from reconciler.observed.state import ObservedState
from reconciler.planning.plan import make_plan
from tests.worlds import (
    BASICS,
    SITE,
    PlannerWorld,
    an_update,
    custom_manifest,
    load_desired,
    removable_update,
)

MORE = """
apiVersion: patchwright.dev/v1alpha1
kind: Collection
metadata: {name: stale}
spec: {query: {lastScan: {olderThan: 2h}}, computers: [n3, nobody], maintenanceWindows: [
  {name: w, recurrence: "FREQ=DAILY", start: "22:00", duration: 4h, timezone: local}]}
---
apiVersion: patchwright.dev/v1alpha1
kind: Collection
metadata: {name: odd}
spec:
  query: {anyOf: [{shard: {of: 2, in: [1]}}, {update: "deb:Lab/security/app/1.1", state: missing}]}
  exclude: [stale]
---
apiVersion: patchwright.dev/v1alpha1
kind: Collection
metadata: {name: half}
spec: {query: {anyOf: [{shard: {of: 2, in: [1]}}, {fact: ring, op: NotIn, values: [other]}]}}
---
apiVersion: patchwright.dev/v1alpha1
kind: ScanPolicy
metadata: {name: odd}
spec: {collection: odd, recurrence: {server: 1h}, staleAfter: {server: 3h}}
---
apiVersion: patchwright.dev/v1alpha1
kind: Waiver
metadata: {name: lab}
spec:
  collection: odd
  updates: ["custom:app-1-1/1.1"]
  reason: breaks the line
  approvedBy: [ines@corp.example]
  until: 2026-03-02T13:00:00Z
---
apiVersion: patchwright.dev/v1alpha1
kind: Rollout
metadata: {name: second}
spec:
  authorization: monthly
  phases:
    - name: first
      collection: half
      grace: 30m
      gate: {success: 50%, unreachableAfter: 3h}
      halt: {failures: 30%}
    - {name: rest, collection: everybody, gate: {success: 90%, unreachableAfter: 1d}}
---
apiVersion: patchwright.dev/v1alpha1
kind: Removal
metadata: {name: gone}
spec:
  updates: ["custom:app-1-1/1.1", "custom:lib-1-1/1.1"]
  phases:
    - {name: first, collection: half, gate: {success: 30%}, halt: {failures: 30%}}
    - {name: rest, collection: everybody}
"""
UPDATES = [
    removable_update("app"),
    removable_update("lib"),
    an_update("lib", "1.2", supersedes=()),
]
OWN = [
    custom_manifest(UPDATES[0]),
    custom_manifest(UPDATES[1], "{fact: ring, op: In, values: [reference]}"),
]
FEW = st.lists(st.integers(0, 29), min_size=1, max_size=3, unique=True)
STATES = st.sampled_from(list(UpdateState))
steps = st.one_of(
    st.tuples(st.just("scan"), FEW, STATES, STATES),
    st.tuples(st.just("fact"), FEW, st.sampled_from(["reference", "other"])),
    st.tuples(
        st.just("fact"), st.just(list(range(4, 20))), st.sampled_from(["reference", "other"])
    ),
    st.tuples(st.just("zone"), FEW, st.sampled_from(["Europe/Rome", "Nowhere", "UTC"])),
    st.tuples(st.just("run"), FEW, st.sampled_from(list(RunOutcome)), st.booleans()),
    st.tuples(st.just("contact"), FEW),
    st.tuples(st.just("retire"), FEW),
    st.tuples(st.just("rename"), FEW),
    st.tuples(st.just("wait"), st.integers(1, 300)),
    st.tuples(st.just("publish")),
    st.tuples(st.just("apply")),
)


class Site:
    """A world whose fleet is one object that is kept up to date, as the engine has it."""

    def __init__(self):
        self.world = PlannerWorld(manifests=[BASICS, MORE, *OWN])
        self.world.publish(UPDATES[0], UPDATES[1])
        for number in range(30):
            self.world.enrol(f"n{number}", ring="reference" if number < 3 else "other")
        self.world.scan(**dict.fromkeys(("app", "lib"), UpdateState.MISSING))
        self.fleet, self.memo = Fleet(self.world.computers.values()), Memo()
        self.told = dict(self.world.computers)
        self.desired = load_desired(*self.world.manifests)
        self.catalog = self.world.catalog()

    def plan(self, fleet, memo):
        memory = self.world.memory
        observed = ObservedState(fleet, self.catalog, memory, memory.latest_transition())
        return make_plan(self.desired, observed, SITE, self.world.now, memo)

    def do(self, what, *rest):
        world = self.world
        if what == "wait":
            world.pass_time(minutes=rest[0])
        elif what == "publish":
            world.publish(UPDATES[2])
            self.catalog = world.catalog()
        elif what == "apply":
            world.apply(self.plan(self.fleet, self.memo))
        else:
            self.change(what, [f"n{number}" for number in rest[0]], *rest[1:])

    def change(self, what, names, *rest):
        world = self.world
        match what:
            case "scan":
                world.scan(*names, app=rest[0], lib=rest[1])
            case "fact":
                world.change(*names, facts={"ring": rest[0]})
            case "zone":
                world.change(*names, facts={"timezone": rest[0]})
            case "contact":
                world.contact(*names)
            case "retire":
                world.change(*names, retired=True)
            case "rename":
                world.change(*names, name="n3")
            case "run":
                for name in names:
                    ended = world.now if rest[1] else None
                    world.run(name, outcome=rest[0], ended_at=ended)

    def catch_up(self):
        computers = self.world.computers
        self.fleet.keep_all(one for key, one in computers.items() if one is not self.told.get(key))
        self.told = dict(computers)


@given(st.lists(steps, max_size=25))
@settings(max_examples=60, deadline=None)
def test_plan_with_a_memo_is_the_plan_without(drawn):
    site = Site()
    site.plan(site.fleet, site.memo)
    for step in drawn:
        site.do(*step)
        site.catch_up()

        fresh = Fleet(site.world.computers.values())
        assert site.plan(site.fleet, site.memo) == site.plan(fresh, None)


def test_time_alone_is_seen():
    """Nobody says anything any more: all that changes does so by the clock."""
    site = Site()
    for _ in range(30):
        site.world.pass_time(minutes=37)
        kept, fresh = (site.plan(site.fleet, memo) for memo in (site.memo, Memo()))
        assert kept == fresh
        site.world.apply(kept)
