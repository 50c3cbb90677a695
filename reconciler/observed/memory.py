"""Everything remembered between two plans: it is part of what is observed (S25)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pyroaring import FrozenBitMap

from reconciler.model.approvals import ApprovedUpdates
from reconciler.model.drills import DrillRecord
from reconciler.model.emergencies import EmergencyRecord
from reconciler.model.grants import SpentGrant
from reconciler.model.objects import Advertisement, ContentAssignment, Package, Program
from reconciler.model.rollouts import PhaseRecord, Release, Rerun, SeenToken
from reconciler.observed.cohorts import Cohorts
from reconciler.observed.rolls import CollectionRoll

PhaseKey = tuple[str, int, str]
"""Rollout, release, phase."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Who is targeted by a release in an opened phase, by ordinal (S12a).

    Everybody entered when the phase opened, except those in `entered`, who came later. `joined`
    holds first contacts after that, at the plan that saw them, of those whose deadline they move;
    `capped` the deadlines that those had who moved here from another phase, or whose local
    deadline has passed (S17). `awaited` are those of whom no such contact was known when that was
    last noted, at `noted_at` or since contacts began to move deadlines; nothing stands for all.
    """

    rollout: str
    release: int
    phase: str
    members: FrozenBitMap
    entered: Cohorts = field(default_factory=Cohorts)
    joined: Cohorts = field(default_factory=Cohorts)
    capped: Cohorts = field(default_factory=Cohorts)
    awaited: FrozenBitMap | None = None
    noted_at: datetime | None = None


RolloutRecord = (
    Release | PhaseRecord | SeenToken | Rerun | Membership | EmergencyRecord | DrillRecord
)
"""What is remembered of a rollout."""

DerivedObject = Package | Program | Advertisement | ContentAssignment
"""What the reconciler makes for the fleet."""

Record = RolloutRecord | DerivedObject | CollectionRoll | SpentGrant | ApprovedUpdates
"""What an action creates, changes or retires; `key_of` identifies it among its type."""


TABLES: Mapping[type[Record], str] = MappingProxyType(
    {
        Release: "releases",
        PhaseRecord: "phases",
        Membership: "memberships",
        SeenToken: "tokens",
        Rerun: "reruns",
        EmergencyRecord: "emergencies",
        DrillRecord: "drills",
        Package: "packages",
        Program: "programs",
        Advertisement: "advertisements",
        ContentAssignment: "assignments",
        CollectionRoll: "rolls",
        SpentGrant: "grants",
        ApprovedUpdates: "approved",
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
        case Rerun():
            return (record.rollout, record.phase, record.token)
        case EmergencyRecord():
            return (record.rollout,)
        case DrillRecord():
            return (record.rollout, record.run)
        case CollectionRoll():
            return (record.collection,)
        case SpentGrant():
            return (record.commit,)
        case ApprovedUpdates():
            return (record.authorization,)
        case _:
            return _key_of_object(record)


def _key_of_object(record: DerivedObject) -> tuple[str | int, ...]:
    match record:
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
    reruns: Mapping[tuple[str, str, str], Rerun] = _table()
    emergencies: Mapping[tuple[str], EmergencyRecord] = _table()
    drills: Mapping[tuple[str, int], DrillRecord] = _table()
    packages: Mapping[tuple[str, int], Package] = _table()
    programs: Mapping[tuple[str, int, str], Program] = _table()
    advertisements: Mapping[tuple[str], Advertisement] = _table()
    assignments: Mapping[tuple[str, int, str], ContentAssignment] = _table()
    rolls: Mapping[tuple[str], CollectionRoll] = _table()
    grants: Mapping[tuple[str], SpentGrant] = _table()
    approved: Mapping[tuple[str], ApprovedUpdates] = _table()
    next_number: int = 1

    def name_for_agents(self, rollout: str, release: int) -> str:
        """Give the name under which agents report runs: it outlives renames of the rollout."""
        found = self.releases.get((rollout, release))
        return rollout if found is None else found.first_name

    def run_key(self, rollout: str, release: int) -> str:
        """Give the key under which the last run of a release is kept of each computer."""
        return f"{self.name_for_agents(rollout, release)}/{release}"

    def latest_transition(self) -> datetime | None:
        """Give the newest instant that a record holds, behind which no plan may run."""
        moments = [release.cut_at for release in self.releases.values()]
        moments += [token.seen_at for token in self.tokens.values()]
        moments += [rerun.seen_at for rerun in self.reruns.values()]
        released = (offer.released_at for offer in self.advertisements.values())
        moments += [moment for moment in released if moment is not None]
        moments += [step.at for one in self.emergencies.values() for step in one.steps]
        moments += [step.at for one in self.drills.values() for step in one.steps]
        for membership in self.memberships.values():
            moments += [*membership.entered.moments, *membership.joined.moments]
        for roll in self.rolls.values():
            moments += roll.marks()
        for one in self.phases.values():
            marks = (one.soak_since, one.succeeded_at, one.halted_at, one.lifted_at)
            moments += [one.opened_at, *(moment for moment in marks if moment is not None)]
        return max(moments, default=None)
