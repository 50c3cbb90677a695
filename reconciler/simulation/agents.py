"""All agents for one tick, as set operations on columns.

An agent decides at its contacts, on what the site tells it then: between two of them it goes on
with what it does and begins nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.random import Generator
from pyroaring import BitMap

from reconciler.model.updates import CatalogEntry, Update
from reconciler.observed.columns import NEVER, micros
from reconciler.observed.flags import bits_of_flags
from reconciler.observed.memory import Memory
from reconciler.observed.order import Flags, Ints, Ordinals, array_of, bits_of
from reconciler.planning.guidance import Guidance
from reconciler.planning.world import World
from reconciler.simulation.behaviour import Behaviour
from reconciler.simulation.chances import Chances
from reconciler.simulation.contacts import Contacts
from reconciler.simulation.estate import Estate
from reconciler.simulation.offers import Deadlines, Offered, Spreads, offered
from reconciler.simulation.openings import ANY_TIME, Openings
from reconciler.simulation.permits import Permits
from reconciler.simulation.runs import Ended, Runs
from reconciler.simulation.scans import Scans

_DAY = timedelta(days=1)


@dataclass(slots=True)
class Tally:
    """What happened in one tick; `started` is by release."""

    contacts: int = 0
    scans: int = 0
    started: dict[str, BitMap] = field(default_factory=dict)
    ended: list[Ended] = field(default_factory=list)
    restarts: int = 0
    disrupted: int = 0
    is_news: bool = False


class Agents:
    """The state of all agents; the fleet's columns are what the site knows of them."""

    def __init__(
        self, estate: Estate, behaviour: Behaviour, step: timedelta, chance: Generator
    ) -> None:
        self._estate = estate
        self._behaviour = behaviour
        self._contacts = Contacts(behaviour, estate, step)
        self.scans = Scans(estate, estate.truth, chance)
        self.runs = Runs(estate, behaviour, estate.truth, chance)
        self.spreads = Spreads(estate)
        self.chances = Chances(estate.size)
        self.deadlines = Deadlines()
        self._permits = Permits(estate.size)
        self._unverified = BitMap()
        self._guidance: Guidance | None = None
        self._openings = Openings(Guidance(enforce=False, windows=(), scans=()), estate.size)
        self._restarting: tuple[Mapping[str, CatalogEntry], frozenset[str]] = ({}, frozenset())

    @property
    def has_user(self) -> Flags:
        """Whose user may postpone, where an offer says so."""
        return self._estate.has_user

    @property
    def openings(self) -> Openings:
        """The windows of the newest plan."""
        return self._openings

    def follow(self, guidance: Guidance, now: datetime) -> None:
        """Take over what a plan tells all computers."""
        if self._guidance is None or guidance.windows != self._guidance.windows:
            self._openings = Openings(guidance, self._estate.size)
        self._guidance = guidance
        self.scans.follow(guidance.scans, now)

    def resume(self, world: World, memory: Memory) -> None:
        """Take over what computers were at when they were observed."""
        entries = world.observed.catalog.entries

        def update(name: str) -> Update:
            return entries[name].update

        for one in offered(memory):
            going = self.runs.resume(one, world.now, update)
            self._permits.take(going)

    def tick(self, world: World, memory: Memory) -> Tally:
        """Let one tick happen."""
        now, tally = world.now, Tally()
        contacted = self._contacts.at(now)
        heard = bits_of_flags(contacted)
        tally.contacts = len(heard)
        tally.ended = self.runs.end(now, self._needing_restart(world))
        self._note_ends(tally.ended, now)
        restarted = self.runs.restart(now, self._contacts.is_on, self._openings)
        tally.restarts = len(restarted)
        told = self.runs.tell(heard)
        self.scans.ask(told | restarted, now)
        scanned = self.scans.at(now, contacted, world.observed.catalog.version)
        tally.scans = len(scanned)
        self._verify(scanned)
        if self._guidance is not None and self._guidance.enforce:
            self._start(world, memory, heard, tally)
        tally.disrupted = len(self._permits.disrupted(micros(now)))
        began = BitMap.union(BitMap(), *tally.started.values())
        self._estate.note_changes(told | began)
        tally.is_news = bool(scanned or told or began)
        return tally

    def _start(self, world: World, memory: Memory, heard: BitMap, tally: Tally) -> None:
        free = heard - self.runs.busy - self.runs.awaiting_restart
        offers = offered(memory)
        if not offers:
            return
        rests = [self._openings.rest(world.now, "updates", urgent=one) for one in (False, True)]
        taken: Ints = np.zeros(self._estate.size, dtype=np.int64)
        for one in offers:
            rest = rests[one.offer.order.emergency]
            own = self.deadlines.of(one, self._openings.zoned, world.now)
            self.chances.note(one, rest, heard, own, world.now)
            if one.may_start:
                asking = self._asking(one, world, memory, free, rest - taken)
                self._begin(one, asking, world, tally)
                taken[array_of(asking)] += one.runtime

    def _begin(self, one: Offered, who: BitMap, world: World, tally: Tally) -> None:
        if not who:
            return
        entries = world.observed.catalog.entries

        def update(name: str) -> Update:
            return entries[name].update

        self.runs.begin(one, who, world.now, update)
        self._permits.take(who)
        self._unverified -= who
        tally.started[one.release] = tally.started.get(one.release, BitMap()) | who

    def _asking(
        self, one: Offered, world: World, memory: Memory, free: BitMap, rest: Ints
    ) -> BitMap:
        """Give who starts now: needs it, is due, has rested, has room, and gets a permit."""
        offer = one.offer
        release = memory.releases[offer.rollout, offer.release]
        candidates = BitMap(one.members & free)
        if not candidates:
            return candidates
        verdict = world.evidence.judge(candidates, release, offer.aim)
        asking = array_of(BitMap(verdict.non_compliant))
        if len(asking):
            asking = asking[self._is_due(one, asking, world.now)]
        if len(asking):
            asking = asking[self._has_room(one, asking, rest[asking], world.now)]
        return bits_of(asking[self._is_permitted(one, asking, world)])

    def _is_due(self, one: Offered, asking: Ordinals, now: datetime) -> Flags:
        """Tell whose start has come: a user's at the deadline, else as soon as it is offered."""
        deadlines = one.deadlines(asking, self._openings.zoned, now)
        begins = np.full(len(asking), micros(one.offer.available_at), dtype=np.int64)
        if one.offer.order.user.available:
            begins = np.where(self._estate.has_user[asking], deadlines, begins)
        if one.offer.released_at is not None:
            # What came due while it was held is spread anew.
            begins = np.maximum(begins, micros(one.offer.released_at))
        offsets = self.spreads.offsets(one)
        if offsets is not None:
            begins += offsets[asking]
        ended = self.runs.book(one.release).ended[asking]
        recurrence = int(one.offer.recurrence.total_seconds()) * 1_000_000
        rested = (ended == NEVER) | (ended + recurrence <= micros(now))
        if one.offer.rerun_at is not None:
            rested |= ended <= micros(one.offer.rerun_at)
        is_due: Flags = (deadlines != NEVER) & (begins <= micros(now)) & rested
        return is_due

    def _has_room(self, one: Offered, asking: Ordinals, rest: Ints, now: datetime) -> Flags:
        """Tell whose window fits the run (S4); the spread is also from the window's start (S17)."""
        if one.offer.order.override_windows:
            return np.ones(len(asking), dtype=np.bool_)
        fits: Flags = rest >= one.runtime
        offsets = self.spreads.offsets(one)
        if offsets is None:
            return fits
        elapsed, mine = self._openings.elapsed(now)[asking], offsets[asking]
        would_fit = (rest < ANY_TIME // 2) & (elapsed + rest - mine >= one.runtime)
        return fits & ((elapsed >= mine) | ~would_fit)

    def _is_permitted(self, one: Offered, asking: Ordinals, world: World) -> Flags:
        domains = self._guidance.budgets if self._guidance is not None else ()
        if not domains or not len(asking):
            return np.ones(len(asking), dtype=np.bool_)
        failed = np.isin(asking, array_of(self.runs.book(one.release).failed))
        order = np.argsort(failed, kind="stable")
        granted = np.empty(len(asking), dtype=np.bool_)
        granted[order] = self._permits.grant(domains, one.key, asking[order], micros(world.now))
        self.chances.deny(one, asking[~granted])
        return granted

    def _note_ends(self, ended: list[Ended], now: datetime) -> None:
        for one in ended:
            kept = min(one.one.offer.recurrence, _DAY)
            self._permits.fail(one.failed, micros(now + kept))
            self._unverified |= one.succeeded

    def _verify(self, scanned: BitMap) -> None:
        verified = (self._unverified & scanned) - self.runs.awaiting_restart
        self._permits.verify(verified)
        self._unverified -= verified

    def _needing_restart(self, world: World) -> frozenset[str]:
        entries = world.observed.catalog.entries
        if entries is not self._restarting[0]:
            needs = self._behaviour.needs_restart
            found = frozenset(name for name, one in entries.items() if needs(one.update))
            self._restarting = (entries, found)
        return self._restarting[1]
