"""On a site where everything goes on at once no rule is broken, in whatever order things happen."""

import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reconciler.agent.due import runnable_offers
from reconciler.model.aims import UNINSTALL
from reconciler.model.canonical import canonical_json
from reconciler.model.computers import RunOutcome
from reconciler.model.grants import Grant
from reconciler.model.reasons import PhaseReason, Reason
from reconciler.model.rollouts import PhaseState
from reconciler.model.updates import UpdateState
from reconciler.observed.catalog import Catalog
from reconciler.observed.fleet import Fleet
from reconciler.observed.memory import TABLES
from reconciler.planning.actions import DROPS
from reconciler.planning.explain.case import Case
from reconciler.planning.explain.computers import explain_update
from reconciler.planning.explain.form import rollout_text
from reconciler.planning.explain.rollouts import Asked, explain_rollout
from reconciler.planning.plan import decide, make_plan
from reconciler.planning.render import plan_json
from tests.property.busy_manifests import APP, EXTRAS, TOOL, authorization, freeze, resumed, waiver
from tests.property.busy_site import BusySite, linked
from tests.property.invariants import dangling, in_two_phases
from tests.property.witnesses import Historian, InForce, why_it_may_not_start
from tests.worlds import SITE, an_update

NAMES = ("ref-1", "ref-2", "web-1", "web-2", "pc-1", "pc-2")
FACTS = {
    "ref-1": {"ring": "reference", "rack": "a"},
    "ref-2": {"ring": "reference", "rack": "a"},
    "web-1": {"ring": "web", "rack": "a"},
    "web-2": {"ring": "web", "rack": "b", "timezone": "Asia/Tokyo"},
    "pc-1": {"ring": "rest", "class": "workstation"},
    "pc-2": {"ring": "rest", "timezone": "America/New_York"},
}
HOUR, POLL = timedelta(hours=1), timedelta(seconds=30)
DUE, WAITS_FOR_PERMIT = Reason.DUE, Reason.WAITS_FOR_PERMIT
ROOT = Path(__file__).parents[2]
LIB = "deb:Lab/security/lib/1.1"
names = st.sampled_from(NAMES)
hours = st.integers(1, 12)
changes = st.one_of(
    st.just(("nothing",)),
    st.tuples(st.just("move"), names, st.sampled_from(["reference", "web", "rest"])),
    st.tuples(st.just("move"), names, st.sampled_from(["reference", "web", "rest"])),
    st.tuples(st.just("publish"), st.sampled_from(["app", "lib"]), st.integers(2, 4)),
    st.tuples(st.just("withdraw"), st.sampled_from([APP, LIB])),
    st.tuples(st.just("waive"), names, st.sampled_from([APP, LIB]), hours),
    st.tuples(st.just("freeze"), hours, st.sampled_from(["", "web", "reference"])),
    st.tuples(st.just("come_and_go"), st.sampled_from(sorted(EXTRAS))),
    st.tuples(st.just("authorize"), st.sets(st.sampled_from([APP, LIB])), st.booleans()),
    st.tuples(st.just("order_to_try_again"), st.sampled_from(["one", "two"])),
    st.tuples(st.just("a_read_fails"), st.sampled_from(["Rollout/tools", *EXTRAS])),
    st.just(("carry_out_in_part",)),
    st.just(("explain_all_rollouts",)),
)


def written(moment):
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


class BusyMachine(RuleBasedStateMachine):
    """People write, computers act as the agent's code decides, and time passes."""

    def __init__(self):
        super().__init__()
        self.site = BusySite()
        self.world = self.site.world
        self.force = InForce()
        self.historian = Historian()
        self.number = 0

    @initialize()
    def begin(self):
        for one in (an_update("app"), an_update("lib"), TOOL):
            self.site.publish(one)
        for name in NAMES:
            self.site.enrol(name, **FACTS[name])
        self.site.scan(*NAMES)
        self.carry_out()

    def carry_out(self, seed=None):
        """Every plan is judged before it is done; the last one is empty."""
        if seed is not None:
            self._shuffle_all_input(seed)
        for plan in self.site.settle():
            drops = [action.verb in DROPS for action in plan.actions]
            assert drops == sorted(drops, reverse=True)
            wrong = self.historian.judge(self.site, self.force, plan.actions)
            assert not wrong, wrong

    def carry_out_in_part(self):
        """A crash in the middle of a plan leaves a prefix of it."""
        plan = self.world.plan()
        half = plan.actions[: len(plan.actions) // 2]
        wrong = self.historian.judge(self.site, self.force, half)
        assert not wrong, wrong
        self.world.apply(replace(plan, actions=half))

    @rule(
        change=changes,
        minutes=st.integers(10, 400),
        fates=st.dictionaries(names, st.sampled_from(["fails", "is silent", "is asked for"])),
        seed=st.one_of(st.none(), st.integers(0, 1000)),
    )
    def live(self, change, minutes, fates, seed=None):
        """Something changes, and then everybody who is not silent does what it may."""
        getattr(self, change[0])(*change[1:])
        self.world.pass_time(minutes=minutes)
        self.carry_out(seed)
        present = [name for name in NAMES if fates.get(name) != "is silent"]
        for name in present:
            if fates.get(name) == "is asked for":
                self.site.choose(name)
            elif name in fates:
                self._explain(name)
            self._start(name)
        self.world.pass_time(minutes=20)
        for name in present:
            failed = fates.get(name) == "fails"
            self.site.end(name, RunOutcome.FAILED if failed else RunOutcome.SUCCEEDED)
        self.world.pass_time(seconds=1)
        self.site.scan(*present)

    def nothing(self):
        pass

    def move(self, name, ring):
        if name not in self.site.running():
            self.world.change(name, facts={"ring": ring})

    def publish(self, product, version):
        update = an_update(product, f"1.{version}")
        if update.id not in self.world.entries:
            older = tuple(sorted(one for one in self.world.entries if f"/{product}/" in one))
            self.site.publish(replace(update, supersedes=older))

    def withdraw(self, update):
        self.world.withdraw(self.world.entries[update].update)

    def waive(self, name, update, span):
        until = self.world.now + timedelta(hours=span)
        self.force.waived[name, update] = max(until, self.force.waived.get((name, update), until))
        self._write(waiver(self._name("w"), name, update, written(until)))

    def freeze(self, span, ring):
        begin = self.world.now
        end = begin + timedelta(hours=span)
        self.force.freezes.append((begin, end, ring))
        self._write(freeze(self._name("f"), written(begin), written(end), ring))

    def come_and_go(self, name):
        """An emergency, a removal or a rejection comes, or goes; the commit says that it may."""
        if name in self.world.documents:
            del self.world.documents[name]
        else:
            self.world.documents[name] = EXTRAS[name]
        rejects = "Rejection/lib" in self.world.documents
        self.force.rejected = {LIB} if rejects else set()
        self._commit()

    def authorize(self, excepted, suspended):
        listed = ", ".join(f'"{one}"' for one in sorted(excepted))
        more = f", except: [{listed}]" if excepted else ""
        more += ", suspend: {reason: r, by: b}" if suspended else ""
        self.force.excepted, self.force.suspended = excepted, suspended
        self.world.documents["monthly"] = authorization("monthly", "rollup", more)
        self._commit()

    def order_to_try_again(self, token):
        self.world.documents["Rollout/monthly"] = resumed(token)
        self._commit()

    def a_read_fails(self, name):
        """What is missing from it has not left git (S29)."""
        documents = dict(self.world.documents)
        self.world.documents.pop(name, None)
        self.world.fresh = self.force.fresh = False
        self.carry_out()
        self.world.fresh = self.force.fresh = True
        self.world.documents = documents

    @invariant()
    def nobody_is_in_two_phases_of_a_release(self):
        assert not in_two_phases(self.world.memory)

    @invariant()
    def nothing_dangles(self):
        assert not dangling(self.world.memory)

    def _explain(self, name):
        """What is explained as due is what the agent would start, of all that goes on (H5)."""
        self.world.contact(name)
        case = Case(self._decide(), self.world.computers[name], (), HOUR, POLL)
        agent = self.site.agents[name]
        run = runnable_offers(case.policy, agent.memory, self.world.now)
        installs = [offer for offer in run if offer.program != UNINSTALL]
        starts = {update.id for offer in installs for update in offer.updates}
        found = {one: explain_update(case, one) for one in self.world.entries}
        due = {one for one, told in found.items() if told.reason in {DUE, WAITS_FOR_PERMIT}}
        assert due == starts, (name, [found[one].chain[-1] for one in due ^ starts])

    def explain_all_rollouts(self):
        """Whatever is carried out, something is told to hold every phase that has not passed."""
        self.carry_out()
        decisions = self._decide()
        for view in decisions.rollouts:
            found = explain_rollout(decisions, view, Asked(), lambda *_: defaultdict(lambda: None))
            list(rollout_text(found))
            for one in found.phases:
                assert one.reason is not PhaseReason.NOT_APPLIED, one
                # A phase that has not opened tells of an earlier one that fell back.
                passed = {PhaseReason.PASSED, PhaseReason.REGRESSED}
                if one.state is PhaseState.SUCCEEDED:
                    assert one.reason in passed, one
                else:
                    assert one.reason is not PhaseReason.PASSED, one

    def _decide(self):
        world = self.world
        return decide(world.desired(), world.observed(), SITE, world.now)

    def _start(self, name):
        started = self.site.poll(name)
        if started is not None:
            wrong = why_it_may_not_start(self.site, self.force, name, started[1])
            assert not wrong, (name, started[1], wrong)

    def _shuffle_all_input(self, seed):
        """Files, computers, updates and records in another order make the same plan (S25)."""
        chance, world = Random(seed), self.world  # noqa: S311  # no secret
        desired = replace(
            linked(_shuffled(world.documents, chance), world.commit), grants=world.grants
        )
        tables = {name: _shuffled(getattr(world.memory, name), chance) for name in TABLES.values()}
        observed = replace(
            world.observed(),
            fleet=Fleet(_shuffled(world.computers, chance).values()),
            catalog=Catalog(world.version, _shuffled(world.entries, chance), {}),
            memory=replace(world.memory, **tables),
            permits=tuple(chance.sample(world.permits, len(world.permits))),
        )

        assert bytes_of(make_plan(desired, observed, SITE, world.now)) == bytes_of(world.plan())

    def _write(self, text):
        self.world.documents[self._name("d")] = text
        self._commit()

    def _commit(self):
        self.number += 1
        self.world.commit = f"{self.number:040x}"
        self.world.grants = (Grant(self.world.commit, 99),)

    def _name(self, prefix):
        self.number += 1
        return f"{prefix}{self.number}"


def bytes_of(plan):
    return canonical_json(plan_json(plan))


def _shuffled(mapping, chance):
    return dict(chance.sample(sorted(mapping.items(), key=lambda one: str(one[0])), len(mapping)))


TestBusySite = BusyMachine.TestCase
TestBusySite.settings = settings(
    max_examples=settings().max_examples // 8, stateful_step_count=15, deadline=None
)


def test_a_busy_site_gets_through():
    """Left alone, everything that is offered is installed everywhere: the site is not idle."""
    machine = BusyMachine()
    machine.begin()
    for _ in range(80):
        machine.live(("nothing",), 60, {})
    states = {state for one in machine.site.agents.values() for state in one.truth.values()}

    assert states == {UpdateState.INSTALLED}
    assert machine.historian.seen == {"monthly/first", "monthly/web", "tools/some"}


def test_plan_is_the_same_bytes_in_every_process():
    """Hashes of text differ from one process to the next (S25)."""
    made = {_bytes_made_with(seed) for seed in ("1", "2")}

    assert len(made) == 1


def _bytes_made_with(hash_seed):
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    asked = [sys.executable, "-c", _STORY]
    done = subprocess.run(asked, env=environment, cwd=ROOT, capture_output=True, check=True)
    return done.stdout


_STORY = """
from tests.property.test_busy_site import BusyMachine, bytes_of
machine = BusyMachine()
machine.begin()
for minutes, change in enumerate([("nothing",), ("publish", "lib", 2), ("freeze", 3, "web"),
        ("come_and_go", "Removal/tool"), ("come_and_go", "EmergencyChange/blaster")]):
    machine.live(change, 90 + minutes, {"ref-2": "fails", "pc-2": "is silent"})
machine.authorize({"deb:Lab/security/app/1.1"}, False)
print(bytes_of(machine.world.plan()))
"""
