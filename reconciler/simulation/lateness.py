"""Who missed a deadline, and the first reason that fits; the list is closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pyroaring import BitMap, FrozenBitMap

from reconciler.observed.columns import NEVER, micros
from reconciler.observed.flags import bits_of_flags
from reconciler.observed.order import Flags, array_of, bits_of
from reconciler.planning.verdicts import Verdict
from reconciler.planning.world import World
from reconciler.simulation.agents import Agents
from reconciler.simulation.offers import Offered

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


def find_missed(one: Offered, deadline_at: datetime, agents: Agents, world: World) -> Missed:
    """Judge a phase at an instant by which whoever started at its deadline would be done."""
    offer, fleet = one.offer, world.observed.fleet
    target = BitMap(one.members & fleet.enrolled)
    ordinals = array_of(target)
    own = one.deadlines(ordinals, agents.openings.zoned, world.now)
    verdict = world.evidence.judge(
        target,
        world.observed.memory.releases[offer.rollout, offer.release],
        offer.aim,
    )
    # Whose deadline only begins to run with a first contact is late as long as there is none.
    silent = target - fleet.last_contact_at.at_least(micros(offer.available_at))
    due = silent | bits_of(ordinals[own <= micros(deadline_at)])
    late = due - verdict.compliant
    rest, reasons, names = BitMap(late), {}, {}
    for reason, fits in _reasons(one, verdict, agents, world):
        mine = rest & fits
        if mine:
            reasons[reason] = len(mine)
            names[reason] = tuple(fleet.names[who] for who in array_of(mine)[:_MOST_NAMED].tolist())
            rest -= mine
    return Missed(
        offer.rollout,
        offer.release,
        offer.phase,
        deadline_at,
        len(target),
        len(late),
        reasons,
        names,
    )


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
