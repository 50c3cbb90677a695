"""Virtual time: agents tick, and the planner that a site runs plans whenever it is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

import numpy as np
from pyroaring import BitMap

from reconciler.desired.state import DesiredState
from reconciler.model.objects import ContentAssignment, ContentState
from reconciler.model.updates import CatalogEntry, Update
from reconciler.observed.catalog import Catalog, SourceFreshness
from reconciler.observed.memo import Memo
from reconciler.observed.memory import Membership, Memory
from reconciler.observed.state import ObservedState
from reconciler.planning.actions import Action, Verb
from reconciler.planning.effects import after
from reconciler.planning.plan import Plan, make_plan, make_world
from reconciler.planning.syncing import sync_asked_at
from reconciler.planning.world import SiteIdentity, World
from reconciler.simulation.agents import Agents, Tally
from reconciler.simulation.behaviour import Behaviour
from reconciler.simulation.estate import Estate
from reconciler.simulation.lateness import Lateness, Missed
from reconciler.simulation.offers import offered

MOST_ROUNDS = 20
_NO_MANIFEST = "0" * 64


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when time passes, and in which steps."""

    begin: datetime
    end: datetime
    step: timedelta


@dataclass(frozen=True, slots=True)
class Arrival:
    """Updates that come into the catalog, each with who misses it and who has it."""

    at: datetime
    updates: tuple[tuple[Update, BitMap, BitMap], ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything at the beginning."""

    desired: DesiredState
    site: SiteIdentity
    memory: Memory
    catalog: Catalog
    arrivals: tuple[Arrival, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """One tick: what agents did, what was decided, and who missed a deadline."""

    now: datetime
    tally: Tally
    plan: Plan
    actions: tuple[Action, ...]
    has_planned: bool
    missed: tuple[Missed, ...] = ()


class Simulation:
    """One run through virtual time; the same inputs and seed give the same moments."""

    def __init__(
        self,
        scene: Scene,
        estate: Estate,
        behaviour: Behaviour,
        span: Span,
        seed: int,
    ) -> None:
        self._scene = scene
        self._estate = estate
        self._truth = estate.truth
        self._behaviour = behaviour
        self._span = span
        self._arrivals = sorted(scene.arrivals, key=lambda one: one.at)
        self._content: dict[tuple[str, int, str], datetime] = {}
        self._memo = Memo()
        self._agents = Agents(estate, behaviour, span.step, np.random.default_rng(seed))
        self._lateness = Lateness(self._agents, span.step)
        self.catalog = scene.catalog
        self.memory = scene.memory

    def run(self) -> Iterator[Moment]:
        """Let time pass, tick by tick."""
        now = self._span.begin
        self._arrive(now)
        self._resume(now)
        plan, actions = self._settle(now)
        yield Moment(now, Tally(), plan, actions, has_planned=True)
        while now + self._span.step <= self._span.end:
            before, now = now, now + self._span.step
            is_due = self._arrive(now) | self._finish_content(now) | self._read_sources(now)
            tally = self._agents.tick(self._world(now), self.memory)
            is_due |= tally.is_news or now.date() != before.date()
            is_due |= plan.wake_at is not None and plan.wake_at <= now
            actions = ()
            if is_due:
                plan, actions = self._settle(now)
            missed = tuple(self._lateness.judge(self._world(now)))
            yield Moment(now, tally, plan, actions, has_planned=is_due, missed=missed)

    def _observed(self) -> ObservedState:
        memory = self.memory
        return ObservedState(
            self._estate.fleet, self.catalog, memory, memory.latest_transition(), fresh=True
        )

    def _world(self, now: datetime) -> World:
        scene = self._scene
        return make_world(scene.desired, self._observed(), scene.site, now, self._memo)

    def _settle(self, now: datetime) -> tuple[Plan, tuple[Action, ...]]:
        """Plan and act until a plan is empty, as a pass of the engine does."""
        scene, done = self._scene, list[Action]()
        for _ in range(MOST_ROUNDS):
            plan = make_plan(scene.desired, self._observed(), scene.site, now, self._memo)
            self._agents.follow(plan.guidance, now)
            if not (plan.actions and plan.guidance.enforce):
                return plan, tuple(done)
            old = self.memory
            self.memory = after(old, plan.actions)
            self._follow_up(plan.actions, old, now)
            done += plan.actions
        message = "the plan does not become empty"
        raise AssertionError(message)

    def _follow_up(self, actions: tuple[Action, ...], old: Memory, now: datetime) -> None:
        """Begin to bring content, and ask who was newly targeted for a scan (S14)."""
        for action in actions:
            record = action.record
            if isinstance(record, ContentAssignment) and action.verb is Verb.ASSIGN_CONTENT:
                due_at = now + self._behaviour.content_delay
                self._content[record.package, record.version, record.point] = due_at
            elif isinstance(record, Membership) and action.verb is Verb.SET_TARGETS:
                key = (record.rollout, record.release, record.phase)
                known = old.memberships.get(key)
                fresh = BitMap(record.members) - (known.members if known else BitMap())
                one = next((one for one in offered(self.memory) if one.key == key), None)
                offsets = self._agents.spreads.offsets(one) if one is not None else None
                self._agents.scans.ask(fresh, now, offsets)

    def _arrive(self, now: datetime) -> bool:
        """Bring updates into the catalog as one content version."""
        due = [one for one in self._arrivals if one.at <= now]
        if not due:
            return False
        self._arrivals = self._arrivals[len(due) :]
        version = self.catalog.version + 1
        entries: dict[str, CatalogEntry] = dict(self.catalog.entries)
        for arrival in due:
            for update, missing, installed in arrival.updates:
                entries[update.id] = CatalogEntry(update, 1, version, now)
                self._truth.begin(update.id, missing, installed)
        self.catalog = Catalog(version, entries, self.catalog.sources)
        return True

    def _read_sources(self, now: datetime) -> bool:
        """Let all sources be read where an emergency or a drill waits for that (S21, I5)."""
        memory, known = self.memory, self.catalog.sources
        asked_at = sync_asked_at(memory.emergencies.values(), memory.drills.values())
        names = self._scene.desired.catalog_sources if asked_at is not None else ()
        read = {name: SourceFreshness(name, now) for name in names}
        if read:
            self.catalog = replace(self.catalog, sources={**known, **read})
        return bool(read)

    def _finish_content(self, now: datetime) -> bool:
        """Let content be where it belongs, some time after it was asked for."""
        due = {key for key, at in self._content.items() if at <= now}
        assignments: Mapping[tuple[str, int, str], ContentAssignment] = self.memory.assignments
        done = {
            key: replace(assignments[key], state=ContentState.DONE, manifest=_NO_MANIFEST)
            for key in due
            if key in assignments
        }
        self._content = {key: at for key, at in self._content.items() if key not in due}
        if done:
            table = MappingProxyType({**assignments, **done})
            self.memory = replace(self.memory, assignments=table)
        return bool(done)

    def _resume(self, now: datetime) -> None:
        """Go on with what is under way already: content that is brought, runs, restarts."""
        self._agents.resume(self._world(now), self.memory)
        for key, one in self.memory.assignments.items():
            if one.state is not ContentState.DONE:
                self._content[key] = now + self._behaviour.content_delay
