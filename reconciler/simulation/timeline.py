"""A simulation as events: JSON values, each with its instant and its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pyroaring import BitMap

from reconciler.model.canonical import Json
from reconciler.model.drills import DrillRecord
from reconciler.model.emergencies import EmergencyRecord
from reconciler.model.objects import Advertisement, ContentAssignment, Package, Program
from reconciler.model.rollouts import PhaseRecord, Release
from reconciler.model.times import render_instant
from reconciler.observed.memory import Membership
from reconciler.planning.actions import Action, Verb
from reconciler.planning.counts import PhaseCount
from reconciler.simulation.clockwork import Moment
from reconciler.simulation.lateness import Missed
from reconciler.simulation.standing import Standings

_NAMES = {
    Verb.CUT_RELEASE: "releaseCut",
    Verb.CHANGE_RELEASE: "releaseChanged",
    Verb.RETIRE_RELEASE: "releaseRetired",
    Verb.OPEN_PHASE: "phaseOpened",
    Verb.PASS_PHASE: "phaseSucceeded",
    Verb.RETIRE_PHASE: "phaseRetired",
    Verb.HALT_PHASE: "halted",
    Verb.LIFT_HALT: "lifted",
    Verb.BEGIN_SOAK: "soakBegun",
    Verb.RESET_SOAK: "soakReset",
    Verb.ENTER_STATE: "emergencyState",
    Verb.ENTER_DRILL_STATE: "drillState",
    Verb.CREATE_ADVERTISEMENT: "advertisementCreated",
    Verb.CHANGE_ADVERTISEMENT: "advertisementChanged",
    Verb.RETIRE_ADVERTISEMENT: "advertisementRetired",
    Verb.SET_TARGETS: "targetsSet",
}
_QUIET = (Package, Program, ContentAssignment)


@dataclass(slots=True)
class _Sums:
    started: int = 0
    failed: int = 0
    succeeded: int = 0
    restarts: int = 0
    scans: int = 0


@dataclass(slots=True)
class Timeline:
    """Writes events down; progress once in `every`, and a summary at the end."""

    every: timedelta = timedelta(days=1)
    standings: Standings = field(default_factory=Standings)
    openings: dict[str, dict[str, str]] = field(default_factory=dict)
    missed: list[Missed] = field(default_factory=list)
    _all: _Sums = field(default_factory=_Sums)
    _lately: _Sums = field(default_factory=_Sums)
    _next_at: datetime | None = None
    _plans: int = 0
    _ticks: int = 0
    _most_disrupted: int = 0

    def events(self, moment: Moment) -> Iterator[Json]:
        """Give what one moment brought."""
        self._ticks += 1
        self._plans += moment.has_planned
        self._add(moment)
        self.standings.note(moment.plan.counts, moment.now)
        for action in moment.actions:
            yield from self._of_action(action, moment)
        for missed in moment.missed:
            self.missed.append(missed)
            yield missed_event(missed, moment.now)
        if self._next_at is None or self._next_at <= moment.now:
            self._next_at = moment.now + self.every
            yield self._progress(moment)
            self._lately = _Sums()

    def summary(self, moment: Moment) -> Json:
        """Give the last event."""
        return {
            **_event(moment.now, "summary"),
            "ticks": self._ticks,
            "plans": self._plans,
            **_sums_json(self._all),
            "mostDisrupted": self._most_disrupted,
            "openings": self.openings,
            "releases": releases_json(self.standings),
            "missed": sum(one.late for one in self.missed),
            "conditions": [
                {"subject": one.subject, "type": one.type.value} for one in moment.plan.conditions
            ],
        }

    def _of_action(self, action: Action, moment: Moment) -> Iterator[Json]:
        record, name = action.record, _NAMES.get(action.verb)
        if isinstance(record, _QUIET):
            return
        told = {
            **_event(moment.now, name or _lower(action.verb.value)),
            **_identity(record),
            "because": action.cause.because,
            "rule": action.cause.rule,
        }
        if isinstance(record, PhaseRecord):
            where = f"{record.rollout}/{record.release}/{record.phase}"
            self.openings.setdefault(where, {})[told["event"]] = told["at"]
            told |= _counts_json(moment.plan.counts, record)
        yield told

    def _add(self, moment: Moment) -> None:
        tally = moment.tally
        self._most_disrupted = max(self._most_disrupted, tally.disrupted)
        began = len(BitMap.union(BitMap(), *tally.started.values()))
        for sums in (self._all, self._lately):
            sums.started += began
            sums.restarts += tally.restarts
            sums.scans += tally.scans
            sums.failed += sum(len(one.failed) for one in tally.ended)
            sums.succeeded += sum(len(one.succeeded) for one in tally.ended)

    def _progress(self, moment: Moment) -> Json:
        return {
            **_event(moment.now, "progress"),
            **_sums_json(self._lately),
            "disrupted": moment.tally.disrupted,
            "releases": releases_json(self.standings),
            "phases": [
                {
                    "rollout": one.rollout,
                    "release": one.release,
                    "phase": one.phase,
                    **_count_json(one),
                }
                for one in moment.plan.counts
            ],
        }


def missed_event(missed: Missed, now: datetime) -> Json:
    """Give who missed a deadline, and why."""
    return {
        **_event(now, "deadlinePassed"),
        "rollout": missed.rollout,
        "release": missed.release,
        "phase": missed.phase,
        "deadlineAt": render_instant(missed.deadline_at),
        "target": missed.target,
        "late": missed.late,
        "reasons": {reason.value: count for reason, count in missed.reasons.items()},
        "names": {reason.value: list(names) for reason, names in missed.names.items()},
    }


def releases_json(standings: Standings) -> Json:
    """Give the compliance of each release, and when it reached 50, 95 and 99 percent."""
    return {
        f"{rollout}/{release}": {
            "target": one.target,
            "compliant": one.compliant,
            "percent": one.percent,
            "reached": {str(share): render_instant(at) for share, at in one.reached.items()},
        }
        for (rollout, release), one in sorted(standings.by_release.items())
    }


def _event(now: datetime, name: str) -> dict[str, Json]:
    return {"at": render_instant(now), "event": name}


def _identity(record: object) -> dict[str, Json]:
    match record:
        case Release():
            offered = len(record.offered())
            return {"rollout": record.rollout, "release": record.number, "updates": offered}
        case PhaseRecord() | Membership():
            found: dict[str, Json] = {
                "rollout": record.rollout,
                "release": record.release,
                "phase": record.phase,
            }
            if isinstance(record, Membership):
                found["target"] = len(record.members)
            return found
        case Advertisement():
            return {
                "rollout": record.rollout,
                "release": record.release,
                "phase": record.phase,
                "advertisement": record.id,
                "held": record.held,
            }
        case EmergencyRecord():
            return {"rollout": record.rollout, "state": record.state.value}
        case DrillRecord():
            return {"drill": record.rollout, "run": record.run, "state": record.state.value}
    return {"rollout": getattr(record, "rollout", "")}


def _counts_json(counts: Iterable[PhaseCount], record: PhaseRecord) -> Json:
    key = (record.rollout, record.release, record.phase)
    found = (one for one in counts if (one.rollout, one.release, one.phase) == key)
    return next(({"counts": _count_json(one)} for one in found), {})


def _count_json(count: PhaseCount) -> Json:
    return {
        "state": count.state.value,
        "target": count.target,
        "compliant": count.compliant,
        "missing": count.missing,
        "unknown": count.unknown,
        "pendingRestart": count.pending_restart,
        "failed": count.failed,
        "unreachable": count.unreachable,
    }


def _sums_json(sums: _Sums) -> dict[str, Json]:
    return {
        "started": sums.started,
        "succeeded": sums.succeeded,
        "failed": sums.failed,
        "restarts": sums.restarts,
        "scans": sums.scans,
    }


def _lower(verb: str) -> str:
    return verb[:1].lower() + verb[1:]
