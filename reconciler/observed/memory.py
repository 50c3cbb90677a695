"""Everything remembered between two plans: it is part of what is observed (S25)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pyroaring import FrozenBitMap

from reconciler.model.emergencies import EmergencyRecord
from reconciler.model.objects import Advertisement, ContentAssignment, Package, Program
from reconciler.model.rollouts import PhaseRecord, Release, SeenToken
from reconciler.observed.cohorts import Cohorts

PhaseKey = tuple[str, int, str]
"""Rollout, release, phase."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Who is targeted by a release in an opened phase, by ordinal (S12a).

    Everybody entered when the phase opened, except those in `entered`, who came later. `joined`
    holds first contacts after that, of those whose deadline they move; `capped` the deadlines
    that those had who moved here from another phase (S17).
    """

    rollout: str
    release: int
    phase: str
    members: FrozenBitMap
    entered: Cohorts = field(default_factory=Cohorts)
    joined: Cohorts = field(default_factory=Cohorts)
    capped: Cohorts = field(default_factory=Cohorts)


RolloutRecord = Release | PhaseRecord | SeenToken | Membership | EmergencyRecord
"""What is remembered of a rollout."""

DerivedObject = Package | Program | Advertisement | ContentAssignment
"""What the reconciler makes for the fleet."""

Record = RolloutRecord | DerivedObject
"""What an action creates, changes or retires; `key_of` identifies it among its type."""


TABLES: Mapping[type[Record], str] = MappingProxyType(
    {
        Release: "releases",
        PhaseRecord: "phases",
        Membership: "memberships",
        SeenToken: "tokens",
        EmergencyRecord: "emergencies",
        Package: "packages",
        Program: "programs",
        Advertisement: "advertisements",
        ContentAssignment: "assignments",
    }
)
"""The field of `Memory` that holds each type of record."""


def _table() -> Mapping[Any, Any]:
    return field(default_factory=lambda: MappingProxyType({}))


def key_of(record: Record) -> tuple[str | int, ...]:
    """Give the record's identity among records of its type."""
    match record:
        case Release():
            return (record.rollout, record.number)
        case PhaseRecord() | Membership():
            return (record.rollout, record.release, record.phase)
        case SeenToken():
            return (record.rollout, record.token)
        case EmergencyRecord():
            return (record.rollout,)
        case Package():
            return (record.id, record.version)
        case Program():
            return (record.package, record.version, record.name)
        case Advertisement():
            return (record.id,)
        case ContentAssignment():
            return (record.package, record.version, record.point)


@dataclass(frozen=True)
class Memory:
    """All records by type and key, and the next number for an object's id (S26)."""

    releases: Mapping[tuple[str, int], Release] = _table()
    phases: Mapping[PhaseKey, PhaseRecord] = _table()
    memberships: Mapping[PhaseKey, Membership] = _table()
    tokens: Mapping[tuple[str, str], SeenToken] = _table()
    emergencies: Mapping[tuple[str], EmergencyRecord] = _table()
    packages: Mapping[tuple[str, int], Package] = _table()
    programs: Mapping[tuple[str, int, str], Program] = _table()
    advertisements: Mapping[tuple[str], Advertisement] = _table()
    assignments: Mapping[tuple[str, int, str], ContentAssignment] = _table()
    next_number: int = 1

    def latest_transition(self) -> datetime | None:
        """Give the newest instant that a record holds, behind which no plan may run."""
        moments = [release.cut_at for release in self.releases.values()]
        moments += [token.seen_at for token in self.tokens.values()]
        moments += [step.at for one in self.emergencies.values() for step in one.steps]
        for membership in self.memberships.values():
            moments += [*membership.entered.moments, *membership.joined.moments]
        for one in self.phases.values():
            marks = (one.soak_since, one.succeeded_at, one.halted_at, one.lifted_at)
            moments += [one.opened_at, *(moment for moment in marks if moment is not None)]
        return max(moments, default=None)
