"""A site where everything goes on at once, with computers that decide as the agent's code does.

Rollouts of two authorizations, windows by zone, budgets, users, waivers, freezes, an emergency, a
removal: what is in force and what each computer has installed is kept plainly beside the planner,
so that witnesses can judge what happens without asking it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from reconciler.agent.due import is_voluntary, runnable_offers
from reconciler.agent.memory import Choice, EndedRun, LastScan, Memory, RunRecord
from reconciler.desired.link import link
from reconciler.desired.state import DesiredState
from reconciler.engine.permits import PermitDesk, settle_permits
from reconciler.model.aims import UNINSTALL
from reconciler.model.computers import Run, RunOutcome
from reconciler.model.permits import Permit, Waiting
from reconciler.model.policy import Offer, Policy
from reconciler.model.updates import UpdateState
from reconciler.planning.plan import Plan, make_plan
from reconciler.source.load import load_manifests
from tests.property.busy_manifests import BEGINNING
from tests.worlds import NOW, SITE, PlannerWorld

DESK = PermitDesk(timedelta(minutes=5))


def linked(documents: dict[str, str], commit: str) -> DesiredState:
    """Link documents, each in a file of its own, in the order in which they are given."""
    files = {f"{name}.yaml": text.encode() for name, text in documents.items()}
    desired, problems = link(load_manifests(files, commit), NOW)
    assert desired is not None, [str(one) for one in problems]
    return desired


@dataclass
class BusyWorld(PlannerWorld):
    """A planner's world under documents by name."""

    documents: dict[str, str] = field(default_factory=lambda: dict(BEGINNING))
    _linked: tuple[Any, DesiredState] | None = None

    def desired(self) -> DesiredState:
        """Give what is in force."""
        key = (dict(self.documents), self.commit)
        if self._linked is None or self._linked[0] != key:
            self._linked = key, linked(*key)
        return replace(self._linked[1], grants=self.grants)

    def plan(self) -> Plan:
        return make_plan(self.desired(), self.observed(), SITE, self.now)


@dataclass
class BusyAgent:
    """One computer: what is truly installed on it, and what its agent remembers."""

    truth: dict[str, UpdateState] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    running: Offer | None = None
    is_asked_for: bool = False


class BusySite:
    """The world, its computers, and the permits between them."""

    def __init__(self) -> None:
        self.world = BusyWorld(manifests=[])
        self.agents: dict[str, BusyAgent] = {}
        self._plan: Plan | None = None
        self._waiting: list[Waiting] = []

    def enrol(self, name: str, **facts: Any) -> None:
        """Enrol a computer that misses all there is."""
        self.world.enrol(name, **facts)
        self.agents[name] = BusyAgent(dict.fromkeys(self.world.entries, UpdateState.MISSING))

    def publish(self, update) -> None:
        """Publish an update that everybody misses."""
        self.world.publish(update)
        for agent in self.agents.values():
            agent.truth[update.id] = UpdateState.MISSING

    def settle(self):
        """Plan and carry out until nothing is left to do; yield each plan before it is done."""
        for _ in range(20):
            plan = self.world.plan()
            yield plan
            self.world.apply(plan)
            self.world.capture()
            self._settle_permits(plan)
            if not plan.actions:
                self._plan = plan
                return
        raise AssertionError("the plan does not become empty")

    def scan(self, *names: str) -> None:
        """Have computers look at what is installed and report it."""
        for name in names:
            found: dict[str, UpdateState] = {
                one: state
                for one, state in self.agents[name].truth.items()
                if state is not UpdateState.NOT_APPLICABLE
            }
            now, version = self.world.now, self.world.version
            self.world.change(
                name, states=found, last_scan_at=now, scan_version=version, last_contact_at=now
            )
            memory = self.agents[name].memory
            scanned = LastScan(now, now, version, "5" * 64, found)
            self.agents[name].memory = replace(memory, last_scan=scanned)

    def choose(self, name: str) -> None:
        """Have the user start everything that is offered, now."""
        agent = self.agents[name]
        offers = self.world.policy(name, self._plan).offers
        chosen = {one.advertisement: Choice(start_at=self.world.now) for one in offers}
        if self.world.computers[name].facts.get("class") == "workstation":
            agent.memory = replace(agent.memory, choices=chosen)

    def poll(self, name: str) -> tuple[Policy, Offer] | None:
        """Have a computer take its policy of the last plan, and start one thing; give that."""
        agent, plan = self.agents[name], self._plan
        assert plan is not None
        policy = self.world.policy(name, plan)
        self.world.contact(name)
        for offer in runnable_offers(policy, agent.memory, self.world.now):
            is_asked_for = is_voluntary(offer, agent.memory, self.world.now)
            if not offer.needs_permit or is_asked_for or self._is_permitted(name, offer, plan):
                agent.is_asked_for = is_asked_for
                self._start(name, offer)
                return policy, offer
        return None

    def end(self, name: str, outcome: RunOutcome) -> None:
        """Have the run that is under way end, if there is one."""
        agent, now = self.agents[name], self.world.now
        offer = agent.running
        if offer is None:
            return
        if outcome is RunOutcome.SUCCEEDED:
            for one in offer.updates:
                removes = offer.program == UNINSTALL
                agent.truth[one.id] = UpdateState.MISSING if removes else UpdateState.INSTALLED
        ended = EndedRun(offer.rollout, offer.release, 1, now, refused=False)
        agent.memory = replace(agent.memory.with_end(ended), current=None, choices={})
        agent.running = None
        self._tell_run(name, offer, outcome, ended_at=now)

    def running(self) -> dict[str, Offer]:
        """Give what is under way, by computer."""
        return {name: one.running for name, one in self.agents.items() if one.running is not None}

    def _start(self, name: str, offer: Offer) -> None:
        agent, now = self.agents[name], self.world.now
        record = RunRecord(
            1,
            offer.advertisement,
            offer.rollout,
            offer.release,
            now,
            offer.max_runtime,
            tuple(one.id for one in offer.updates),
            (),
            (),
        )
        agent.memory = replace(agent.memory, current=record)
        agent.running = offer
        self._tell_run(name, offer, RunOutcome.BEGAN)

    def _tell_run(self, name: str, offer: Offer, outcome: RunOutcome, ended_at=None) -> None:
        key = f"{offer.rollout}/{offer.release}"
        known = self.world.computers[name].runs
        now = self.world.now
        if outcome is RunOutcome.BEGAN:
            before = known.get(key, Run(offer.rollout, offer.release, outcome, now))
            run = replace(before, began_at=now)
        else:
            run = replace(known[key], outcome=outcome, ended_at=ended_at)
        self.world.change(name, runs={**known, key: run}, last_contact_at=now)

    def _is_permitted(self, name: str, offer: Offer, plan: Plan) -> bool:
        with self._work(plan) as work:
            computer = self.world.computers[name].id
            return DESK.ask(work, computer, offer.advertisement, self.world.now).granted

    def _settle_permits(self, plan: Plan) -> None:
        store: Any = SimpleNamespace(write=lambda: self._work(plan))
        settle_permits(store, self.world.observed(), plan.guidance, self.world.now)

    @contextmanager
    def _work(self, plan: Plan):
        """Stand for the transaction in which permits are given: tables without a database."""
        by_id = {one.id: one for one in self.world.computers.values()}
        held = {(one.computer, one.advertisement): one for one in self.world.permits}

        def grant(permit: Permit) -> None:
            held[permit.computer, permit.advertisement] = permit
            place = (permit.computer, permit.advertisement)
            self._waiting = [
                one for one in self._waiting if (one.computer, one.advertisement) != place
            ]

        yield SimpleNamespace(
            computers=SimpleNamespace(find=by_id.get),
            records=SimpleNamespace(load_memory=lambda: self.world.memory),
            documents=SimpleNamespace(load_guidance=lambda: plan.guidance),
            permits=SimpleNamespace(
                all=lambda: list(held.values()),
                grant=grant,
                end=lambda one: held.pop((one.computer, one.advertisement), None),
                wait=self._waiting.append,
                waiting=lambda since: [one for one in self._waiting if one.asked_at >= since],
            ),
        )
        self.world.permits = tuple(held.values())
