"""The plan while it is being made: a working copy of what is remembered, and the actions so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from reconciler.model.drills import DrillRecord
from reconciler.model.emergencies import EmergencyRecord
from reconciler.model.rollouts import PhaseRecord, PhaseState, Release, Rerun, SeenToken
from reconciler.observed.memory import Membership, Memory, PhaseKey, RolloutRecord, key_of
from reconciler.planning.actions import DROPS, Action, Cause, Verb
from reconciler.planning.census import Census
from reconciler.planning.conditions import Condition, ConditionType


class Draft:
    """Later steps of a plan see what earlier ones decided; nothing outside is changed."""

    def __init__(self, memory: Memory) -> None:
        self.releases: dict[tuple[str, int], Release] = dict(memory.releases)
        self.phases: dict[PhaseKey, PhaseRecord] = dict(memory.phases)
        self.memberships: dict[PhaseKey, Membership] = dict(memory.memberships)
        self.tokens: dict[tuple[str, str], SeenToken] = dict(memory.tokens)
        self.reruns: dict[tuple[str, str, str], Rerun] = dict(memory.reruns)
        self.emergencies: dict[tuple[str], EmergencyRecord] = dict(memory.emergencies)
        self.drills: dict[tuple[str, int], DrillRecord] = dict(memory.drills)
        self._releases_of: defaultdict[str, dict[int, Release]] = defaultdict(dict)
        self._phases_of: defaultdict[tuple[str, int], dict[str, PhaseRecord]] = defaultdict(dict)
        for release in self.releases.values():
            self._releases_of[release.rollout][release.number] = release
        for phase in self.phases.values():
            self._phases_of[phase.rollout, phase.release][phase.phase] = phase
        self._censuses: dict[PhaseKey, Census] = {}
        self.actions: list[Action] = []
        self._halted: tuple[PhaseRecord, ...] | None = None
        self._conditions: set[Condition] = set()
        self._wakes: set[datetime] = set()
        self.has_moved = False
        """Whether anything was decided since the round began."""

    def begin_round(self) -> None:
        """Forget what was told of a state that is being left."""
        self._conditions.clear()
        self._wakes.clear()
        self.has_moved = False

    def act(self, verb: Verb, record: RolloutRecord, cause: Cause) -> None:
        """Decide an action, and let the following steps see its effect."""
        self.actions.append(Action(verb, record, cause))
        self.has_moved = True
        self._halted = None
        for table, key in self._places(record):
            if verb in DROPS:
                table.pop(key, None)
            else:
                table[key] = record

    def end(self, verb: Verb, record: RolloutRecord, cause: Cause) -> None:
        """Drop a record, and what this plan decided of it before: drops are carried out first."""
        place = (type(record), key_of(record))
        self.actions = [
            one for one in self.actions if (type(one.record), key_of(one.record)) != place
        ]
        self.act(verb, record, cause)

    def tell(self, subject: str, type_: ConditionType, message: str) -> None:
        """Add a condition."""
        self._conditions.add(Condition(subject, type_, message))

    def wake_at(self, moment: datetime) -> None:
        """Note an instant at which time alone may change the plan."""
        self._wakes.add(moment)

    def conditions(self) -> tuple[Condition, ...]:
        """Give all conditions in a fixed order."""
        return tuple(sorted(self._conditions))

    def next_wake(self, now: datetime) -> datetime | None:
        """Give the first noted instant after now."""
        return min((moment for moment in self._wakes if moment > now), default=None)

    def releases_of(self, rollout: str) -> list[Release]:
        """Give a rollout's releases, oldest first."""
        mine = self._releases_of[rollout]
        return [mine[number] for number in sorted(mine)]

    def live_releases(self, rollout: str) -> list[Release]:
        """Give those that still offer something, oldest first."""
        return [one for one in self.releases_of(rollout) if not one.retired and one.offered()]

    def phases_of(self, release: Release) -> dict[str, PhaseRecord]:
        """Give the opened phases of a release by name."""
        return dict(self._phases_of[release.rollout, release.number])

    def runs_of(self, drill: str) -> list[DrillRecord]:
        """Give the runs of a drill that are remembered, oldest first."""
        return [self.drills[key] for key in sorted(self.drills) if key[0] == drill]

    def newest_run(self, drill: str) -> DrillRecord | None:
        """Give the newest run of a drill, or nothing before the first."""
        return next(reversed(self.runs_of(drill)), None)

    def census(self, key: PhaseKey, made: Census) -> Census:
        """Give the census of a phase that is made already, where it is the same; else this one."""
        known = self._censuses.get(key)
        if known == made:
            return known
        self._censuses[key] = made
        return made

    def halted(self) -> tuple[PhaseRecord, ...]:
        """Give every halted phase."""
        if self._halted is None:
            records = self.phases.values()
            self._halted = tuple(one for one in records if one.state is PhaseState.HALTED)
        return self._halted

    def _places(self, record: RolloutRecord) -> Iterator[tuple[dict[Any, Any], Any]]:
        """Give every table that holds the record, and its key there."""
        match record:
            case Release():
                yield self.releases, key_of(record)
                yield self._releases_of[record.rollout], record.number
            case PhaseRecord():
                yield self.phases, key_of(record)
                yield self._phases_of[record.rollout, record.release], record.phase
            case Membership():
                yield self.memberships, key_of(record)
            case SeenToken():
                yield self.tokens, key_of(record)
            case Rerun():
                yield self.reruns, key_of(record)
            case EmergencyRecord():
                yield self.emergencies, key_of(record)
            case DrillRecord():
                yield self.drills, key_of(record)
