"""How a drill goes: the states of its newest run, and who has not proved it yet (I5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pyroaring import BitMap, FrozenBitMap

from reconciler.model.drills import DrillRecord, DrillState
from reconciler.model.reasons import Reason
from reconciler.observed.columns import NEVER, instant, micros
from reconciler.planning.drills import PHASE, WAITS, DrillView, drills_of, proved
from reconciler.planning.plan import Decisions

MOST_LATE = 10
"""So many computers that have not answered are named."""


@dataclass(frozen=True, slots=True)
class Unproved:
    """A computer that was asked and has not proved it: what is missing, and when it was heard."""

    computer: str
    reason: Reason
    last_contact_at: datetime | None


@dataclass(frozen=True, slots=True)
class DrillExplained:
    """A run of a drill, or nothing of one before the first; `missed` are targets in words.

    Of a run that was given up `asked` are those who had not proved it by then.
    """

    drill: str
    now: datetime
    commit: str
    run: DrillRecord | None
    waits_for: str = ""
    next_at: datetime | None = None
    missed: tuple[str, ...] = ()
    asked: int = 0
    proved: int = 0
    late: tuple[Unproved, ...] = ()


def find_drill(decisions: Decisions, name: str) -> DrillView | None:
    """Give the drill that git holds under a name."""
    return next((one for one in drills_of(decisions.world) if one.placed.name == name), None)


def explain_drill(
    decisions: Decisions, drill: DrillView, number: int | None = None
) -> DrillExplained:
    """Explain the newest run, or the one of a number that is remembered, as the plan has it."""
    now, commit = drill.world.now, decisions.plan.commit
    run = decisions.draft.newest_run(drill.name)
    if number is not None:
        run = decisions.draft.drills[drill.name, number]
    if run is None:
        waits = "nobody is in its collection, or git was not read whole"
        return DrillExplained(drill.name, now, commit, None, waits)
    membership = decisions.draft.memberships.get((drill.name, run.run, PHASE))
    members = membership.members if membership is not None else FrozenBitMap()
    done = BitMap() if run.state.is_end else proved(drill.world, run, members)
    return DrillExplained(
        drill.name,
        now,
        commit,
        run,
        WAITS.get(run.state, ""),
        drill.next_at(run),
        drill.missed(run),
        len(members),
        len(done),
        tuple(_unproved(drill, run, FrozenBitMap(members - done))),
    )


def _unproved(drill: DrillView, run: DrillRecord, late: FrozenBitMap) -> Iterator[Unproved]:
    """Name the first of them, by ordinal; each with the first thing that is missing.

    Who scanned only after the end of the run had not scanned.
    """
    fleet = drill.world.observed.fleet
    advertised_at = micros(run.entered_at(DrillState.ADVERTISED))
    for ordinal in sorted(late)[:MOST_LATE]:
        heard = fleet.last_contact_at[ordinal]
        if heard < advertised_at:
            reason = Reason.OFFLINE
        elif (
            fleet.last_scan_at[ordinal] > advertised_at
            and fleet.scan_version[ordinal] < run.content_version
        ):
            reason = Reason.SCAN_BEFORE_CATALOG
        else:
            reason = Reason.NOT_SCANNED
        heard_at = None if heard == NEVER else instant(heard)
        yield Unproved(fleet.names[ordinal], reason, heard_at)
