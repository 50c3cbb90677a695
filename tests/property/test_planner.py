"""Whatever happens to a fleet, in whatever order, some things hold of every plan (S12 to S26)."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reconciler.model.canonical import canonical_json
from reconciler.model.grants import Grant
from reconciler.model.rollouts import PhaseState
from reconciler.planning.actions import DROPS
from reconciler.planning.render import plan_json
from tests.property.invariants import dangling, in_two_phases
from tests.property.strategies import COMPUTERS, computers, products, some_computers, states
from tests.worlds import BASICS, HEADER, PlannerWorld, an_update

DRILL = (
    HEADER
    + """
kind: Drill
metadata: {name: fire}
spec: {collection: everybody, schedule: 4h, targets: {verified: 30m}}
"""
)
PRACTISES = "Drill/fire"


def plan_bytes(plan):
    """Give the bytes that have to be equal for equal input."""
    return canonical_json(plan_json(plan))


class RolloutMachine(RuleBasedStateMachine):
    """A fleet that scans, installs, fails, grows and falls silent under a changing git."""

    def __init__(self):
        super().__init__()
        self.world = PlannerWorld()
        self.excepted = set()
        self.gone = False
        self.practises = False
        self.ids = set()

    @initialize()
    def begin(self):
        for name in COMPUTERS[:4]:
            facts = {"ring": "reference"} if name.startswith("ref") else {}
            self.world.enrol(name, **facts)
        self.world.publish(an_update("app"))

    @rule(name=computers)
    def enrol(self, name):
        if name not in self.world.computers:
            self.world.enrol(name)

    @rule(product=products, version=st.integers(2, 4))
    def publish(self, product, version):
        update = an_update(product, f"1.{version}")
        if update.id not in self.world.entries:
            older = [one for one in self.world.entries if f"/{product}/" in one]
            self.world.publish(replace(update, supersedes=tuple(sorted(older))))

    @rule(names=some_computers, product=products, state=states)
    def scan(self, names, product, state):
        known = [name for name in names if name in self.world.computers]
        self.world.scan(*known, **{product: state})

    @rule(names=some_computers, release=st.integers(1, 3))
    def install(self, names, release):
        if ("monthly", release) in self.world.memory.releases:
            self.world.install(*self._targeted(names, release), release=release)

    @rule(names=some_computers, release=st.integers(1, 3))
    def fail(self, names, release):
        if ("monthly", release) in self.world.memory.releases:
            self.world.fail(*self._targeted(names, release), release=release)

    @rule(minutes=st.integers(1, 180))
    def pass_time(self, minutes):
        self.world.pass_time(minutes=minutes)

    @rule(product=products)
    def except_product(self, product):
        self.excepted |= {one for one in self.world.entries if f"/{product}/" in one}
        self._write()

    @rule()
    def authorize_all(self):
        self.excepted = set()
        self._write()

    @rule(allowed=st.booleans())
    def take_the_rollout_out(self, allowed):
        """A careless deletion, or one whose commit says that it is meant (S23)."""
        self.gone = True
        self._write()
        self.world.grants = (Grant("d" * 40, 99),) if allowed else ()

    @rule()
    def bring_the_rollout_back(self):
        self.gone = False
        self._write()
        self.world.grants = ()

    @rule(practises=st.booleans())
    def practise(self, practises):
        """Git gets a drill, or loses it again."""
        self.practises = practises
        self._write()

    @rule()
    def capture(self):
        self.world.capture()

    @rule()
    def apply(self):
        same = plan_bytes(self.world.plan())
        plan = self.world.step()
        self._note(plan)

        assert plan_bytes(plan) == same

    @rule()
    def apply_in_part(self):
        """A crash in the middle of a plan leaves a prefix of it."""
        plan = self.world.plan()
        half = replace(plan, actions=plan.actions[: len(plan.actions) // 2])
        self.world.apply(half)
        self._note(half)

    @invariant()
    def plan_after_apply_is_empty(self):
        before = self.world.memory
        self.world.step()
        again = self.world.plan()
        offers = self.world.offers()
        self.world.memory = before

        assert again.actions == ()
        for offer in offers:
            if offer.rollout == PRACTISES:
                assert self.practises or offer.held
            else:
                assert offer.held if self.gone else self.excepted.isdisjoint(offer.updates)

    @invariant()
    def nobody_is_in_two_phases_of_a_release(self):
        assert not in_two_phases(self.world.memory)

    @invariant()
    def runs_of_a_drill_come_one_after_the_other(self):
        """Only the newest may be under way, and only what is advertised has targets (I5)."""
        memory = self.world.memory
        runs = [memory.drills[key] for key in sorted(memory.drills)]
        assert all(run.state.is_end for run in runs[:-1])
        for run in runs:
            moments = [step.at for step in run.steps]
            assert moments == sorted(moments)
            assert len({step.state for step in run.steps}) == len(run.steps)

    @invariant()
    def nothing_dangles(self):
        assert not dangling(self.world.memory)

    def _note(self, plan):
        """Look at what a plan did: openings need a gate, ids are new, retirements come first."""
        drops = [action.verb in DROPS for action in plan.actions]
        assert drops == sorted(drops, reverse=True)
        for action in plan.actions:
            record = action.record
            if action.verb == "OpenPhase" and record.phase == "rest":
                first = self.world.memory.phases[record.rollout, record.release, "first"]
                assert first.state is PhaseState.SUCCEEDED
                assert first.succeeded_at is not None
                assert first.succeeded_at - first.opened_at >= timedelta(hours=1)
            if action.verb in {"CreatePackage", "CreateAdvertisement"}:
                key = (record.id, getattr(record, "version", 0), action.verb)
                assert key not in self.ids
                self.ids.add(key)
            if action.verb == "CreateAdvertisement" and record.phase == "rest":
                offered = set(self.world.memory.releases[record.rollout, record.release].updates)
                assert {one.id for one in offered} >= set(record.updates)

    def _targeted(self, names, release):
        members = {
            ordinal
            for key, one in self.world.memory.memberships.items()
            if key[1] == release
            for ordinal in one.members
        }
        known = self.world.computers
        return [name for name in names if name in known and known[name].ordinal in members]

    def _write(self):
        listed = ", ".join(f'"{one}"' for one in sorted(self.excepted))
        text = BASICS[: BASICS.rindex("---\n")] if self.gone else BASICS
        self.world.manifests = [
            text.replace("{group: rollup}", f"{{group: rollup, except: [{listed}]}}"),
            *([DRILL] if self.practises else []),
        ]


TestRollout = RolloutMachine.TestCase
# Each example is a story of its own; many short ones find more than few long ones.
TestRollout.settings = settings(max_examples=60, stateful_step_count=18, deadline=None)
