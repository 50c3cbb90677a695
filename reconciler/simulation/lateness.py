"""Who missed a deadline, and the first reason that fits; the list is closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pyroaring import BitMap, FrozenBitMap

from reconciler.observed.columns import NEVER, micros
from reconciler.observed.flags import bits_of_flags
from reconciler.observed.order import Flags, array_of
from reconciler.planning.verdicts import Verdict
from reconciler.planning.world import World
from reconciler.simulation.agents import Agents
from reconciler.simulation.offers import Offered, offered

_MOST_NAMED = 10


class Reason(StrEnum):
    """Why a computer is not compliant though its deadline has passed."""

    NEVER_IN_CONTACT = "neverInContact"
    SILENT = "silent"
    AWAITING_RESTART = "awaitingRestart"
    FAILING = "failing"
    RUNNING = "running"
    NO_CONTENT = "noContent"
    HELD = "held"
    NO_WINDOW = "noWindow"
    NO_WINDOW_BEFORE = "noWindowBeforeDeadline"
    OFFLINE = "offlineInWindows"
    NO_PERMIT = "noPermit"
    NOT_SCANNED = "notScanned"
    POSTPONED = "postponed"
    NOT_STARTED = "notStarted"


@dataclass(frozen=True, slots=True)
class Missed:
    """One phase of a release at its deadline: how many are late, why, and some of their names."""

    rollout: str
    release: int
    phase: str
    deadline_at: datetime
    target: int
    late: int
    reasons: dict[Reason, int]
    names: dict[Reason, tuple[str, ...]]


@dataclass(slots=True)
class _Told:
    """Up to which instant deadlines of a phase were judged, and who was told of as late."""

    until: datetime
    who: BitMap


class Lateness:
    """Judges each computer's own deadline once: when whoever began at it would have reported.

    The phase's own deadline is told of always; a later one of some of its computers, by their
    zone or a grace (S17), where somebody misses it.
    """

    def __init__(self, agents: Agents, step: timedelta) -> None:
        self._agents = agents
        self._step = step
        self._told: dict[tuple[str, int, str, datetime], _Told] = {}

    def judge(self, world: World) -> Iterator[Missed]:
        """Judge what is due by now, in the order of offers and then of deadlines."""
        for one in offered(world.observed.memory):
            due_at = one.offer.mandatory_at
            slack = one.offer.order.spread + one.program.max_runtime + 2 * self._step
            if due_at is not None and due_at + slack <= world.now:
                yield from self._judge_phase(one, due_at, world.now - slack, world)

    def _judge_phase(
        self, one: Offered, due_at: datetime, last: datetime, world: World
    ) -> Iterator[Missed]:
        fleet, zoned = world.observed.fleet, self._agents.openings.zoned
        own = self._agents.deadlines.of(one, zoned, world.now)
        told = self._told.get((*one.key, due_at))
        if told is None:
            told = self._told[*one.key, due_at] = _Told(due_at, BitMap())
            # Whose deadline only begins to run with a first contact is late until there is one.
            silent = one.members - fleet.last_contact_at.at_least(micros(one.offer.available_at))
            due = BitMap.union(BitMap(silent), *(who for moment, who in own if moment <= due_at))
            yield self._missed(one, due_at, due, told, world)
        for moment in sorted({moment for moment, _ in own if told.until < moment <= last}):
            due = BitMap.union(BitMap(), *(who for other, who in own if other == moment))
            missed = self._missed(one, moment, due - told.who, told, world)
            if missed.late:
                yield missed
        told.until = last

    def _missed(
        self, one: Offered, due_at: datetime, due: BitMap, told: _Told, world: World
    ) -> Missed:
        missed, late = _find_missed(one, due_at, due, self._agents, world)
        told.who |= late
        return missed


def _find_missed(
    one: Offered, due_at: datetime, due: BitMap, agents: Agents, world: World
) -> tuple[Missed, BitMap]:
    offer, fleet = one.offer, world.observed.fleet
    release = world.observed.memory.releases[offer.rollout, offer.release]
    verdict = world.evidence.judge(BitMap(due & fleet.enrolled), release, offer.aim)
    late = (due & fleet.enrolled) - verdict.compliant
    rest, reasons, names = BitMap(late), {}, {}
    for reason, fits in _reasons(one, verdict, agents, world):
        mine = rest & fits
        if mine:
            reasons[reason] = len(mine)
            names[reason] = tuple(fleet.names[who] for who in array_of(mine)[:_MOST_NAMED].tolist())
            rest -= mine
    target = len(one.members & fleet.enrolled)
    return Missed(*one.key, due_at, target, len(late), reasons, names), late


def _reasons(
    one: Offered, verdict: Verdict, agents: Agents, world: World
) -> Iterator[tuple[Reason, BitMap | FrozenBitMap]]:
    fleet, chance = world.observed.fleet, agents.chances.of(one)
    everybody = BitMap(fleet.enrolled)
    nobody = BitMap()
    opened = fleet.last_contact_at.at_least(micros(one.offer.available_at))
    yield Reason.NEVER_IN_CONTACT, everybody - fleet.last_contact_at.above(NEVER)
    yield Reason.SILENT, everybody - opened
    yield Reason.AWAITING_RESTART, verdict.pending_restart
    yield Reason.FAILING, agents.runs.book(one.release).failed - agents.runs.busy
    yield Reason.RUNNING, agents.runs.busy
    yield Reason.NO_CONTENT, everybody if chance.lacked_content else nobody
    yield Reason.HELD, everybody if chance.was_held else nobody
    if not one.offer.order.override_windows:
        yield Reason.NO_WINDOW, _bits(agents.openings.never_opens() == 1)
    yield Reason.NO_WINDOW_BEFORE, everybody - _bits(chance.had_room)
    yield Reason.OFFLINE, everybody - _bits(chance.was_there)
    yield Reason.NO_PERMIT, _bits(chance.denied)
    yield Reason.NOT_SCANNED, verdict.unknown
    if one.offer.order.user.available:
        yield Reason.POSTPONED, _bits(agents.has_user)
    yield Reason.NOT_STARTED, everybody


def _bits(flags: Flags) -> BitMap:
    return bits_of_flags(flags)
