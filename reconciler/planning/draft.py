"""The plan while it is being made: a working copy of what is remembered, and the actions so far."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reconciler.model.emergencies import EmergencyRecord
from reconciler.model.rollouts import PhaseRecord, Release, Rerun, SeenToken
from reconciler.observed.memory import Membership, Memory, PhaseKey, RolloutRecord, key_of
from reconciler.planning.actions import DROPS, Action, Cause, Verb
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
        self.actions: list[Action] = []
        self._conditions: set[Condition] = set()
        self._wakes: set[datetime] = set()

    def begin_round(self) -> int:
        """Forget what was told of a state that is being left; give the number of actions so far."""
        self._conditions.clear()
        self._wakes.clear()
        return len(self.actions)

    def act(self, verb: Verb, record: RolloutRecord, cause: Cause) -> None:
        """Decide an action, and let the following steps see its effect."""
        self.actions.append(Action(verb, record, cause))
        table = self._table(record)
        if verb in DROPS:
            table.pop(key_of(record), None)
        else:
            table[key_of(record)] = record

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
        mine = [release for release in self.releases.values() if release.rollout == rollout]
        return sorted(mine, key=lambda release: release.number)

    def phases_of(self, release: Release) -> dict[str, PhaseRecord]:
        """Give the opened phases of a release by name."""
        return {
            record.phase: record
            for record in self.phases.values()
            if (record.rollout, record.release) == (release.rollout, release.number)
        }

    def _table(self, record: RolloutRecord) -> dict[Any, Any]:
        match record:
            case Release():
                return self.releases
            case PhaseRecord():
                return self.phases
            case Membership():
                return self.memberships
            case SeenToken():
                return self.tokens
            case Rerun():
                return self.reruns
            case EmergencyRecord():
                return self.emergencies
