"""Who changed from plan to plan: by messages, and by time alone for each age asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from pyroaring import BitMap

from reconciler.model.times import UTC
from reconciler.observed.columns import micros
from reconciler.observed.fleet import Fleet
from reconciler.observed.part import FleetPart

MOST_STEPS = 64
MOST_AGES = 256
_FEW_SHARE = 8


class Instants(Enum):
    """The columns whose age a function may ask for."""

    ENROLLED = "enrolled_at"
    CONTACT = "last_contact_at"
    SCAN = "last_scan_at"


Age = tuple[Instants, timedelta]
"""A bound that moves with the time."""
Ages = frozenset[Age]


@dataclass(frozen=True, slots=True)
class _Step:
    """Whom messages told of, nothing where that is not known; who passed which age since."""

    told: BitMap | None
    passed: Mapping[Age, BitMap]


class Steps:
    """The latest steps of one fleet; `number` is that of the last, `now` the instant it is seen at.

    Where nobody changed there is no new step.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.now = datetime.min.replace(tzinfo=UTC)
        self.number = 0
        self._version = 0
        self._latest: deque[_Step] = deque(maxlen=MOST_STEPS)
        self._ages: set[Age] = set()
        self._parts: dict[tuple[int, Ages], FleetPart | None] = {}

    @property
    def are_too_many(self) -> bool:
        """Whether so many ages were asked for that it is better to begin anew."""
        return len(self._ages) > MOST_AGES

    def go_on(self, now: datetime) -> None:
        """Take a step where somebody changed since the last one; the first is everybody's."""
        told = self.fleet.changed_since(self._version) if self.number else None
        passed = self._passed(now)
        self._version, self.now = self.fleet.version, now
        if told is None or told or passed:
            self.number += 1
            self._latest.append(_Step(told, passed))
            self._parts.clear()

    def watch(self, age: Age) -> None:
        """See from now on who passes the age."""
        self._ages.add(age)

    def part_since(self, step: int, ages: Ages, moved: BitMap) -> FleetPart | None:
        """Give whoever changed since a step, by these ages alone, and those who moved.

        Nothing where those are too many, or not known any more.
        """
        key = (step, ages)
        if key not in self._parts:
            changed = self._changed_since(step, ages)
            self._parts[key] = None if changed is None else self._part(changed)
        part = self._parts[key]
        if part is None or moved.issubset(part.among):
            return part
        return self._part(moved | part.among)

    def _changed_since(self, step: int, ages: Ages) -> BitMap | None:
        if self.number - step > len(self._latest):
            return None
        changed = BitMap()
        for one in list(self._latest)[len(self._latest) - (self.number - step) :]:
            if one.told is None:
                return None
            changed |= one.told
            for age in one.passed.keys() & ages:
                changed |= one.passed[age]
        return changed

    def _part(self, among: BitMap) -> FleetPart | None:
        are_few = len(among) <= len(self.fleet.enrolled) // _FEW_SHARE
        return FleetPart(self.fleet, among) if are_few else None

    def _passed(self, now: datetime) -> dict[Age, BitMap]:
        early, late = min(now, self.now), max(now, self.now)
        passed: dict[Age, BitMap] = {}
        for column, age in self._ages if early < late else ():
            values = getattr(self.fleet, column.value)
            who = values.at_least(micros(early - age)) - values.above(micros(late - age))
            if who:
                passed[column, age] = who
        return passed
