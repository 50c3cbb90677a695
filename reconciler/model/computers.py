"""A computer as the site knows it, newest evidence only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Optional

from reconciler.model.messages import FactValue
from reconciler.model.updates import UpdateState

CLASS_FACT = "class"
ARCHITECTURE_FACT = "arch"
ENROLMENT_FACT = "enrolment.collection"
QUARANTINE_FACT = "agent.quarantine"
CLONED = "cloned"
"""The quarantine of two machines that speak with one credential."""


class MachineClass(str, Enum):
    """What kind of machine it is; the fact `class` says so, else it is a server."""

    SERVER = "server"
    WORKSTATION = "workstation"
    PORTABLE = "portable"


class RunOutcome(str, Enum):
    """How the last run of a release on a computer stands (S15)."""

    BEGAN = "began"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timedOut"


@dataclass(frozen=True)
class Run:
    """The last run of a release on one computer.

    While one is under way, `outcome`, `ended_at` and the rest tell of the last that ended, before
    `began_at`; `outcome` is began only where none has ended yet.
    """

    rollout: str
    release: int
    outcome: RunOutcome
    began_at: datetime
    ended_at: Optional[datetime] = None
    exit_code: Optional[int] = None
    reason: str = ""


@dataclass(frozen=True)
class Computer:
    """One enrolled machine.

    `ordinal` is its dense number for columns, given at enrolment. `states` holds what the last
    completed scan said of each update except `notApplicable`, and `scan_version` the catalog's
    content version that it judged. Instants are in the site's time; `runs` is keyed by
    `rollout/release`. `collection` is that of its enrolment token (L1), `quarantine` says why
    nothing is offered to it (L3).
    """

    id: str
    ordinal: int
    name: str
    enrolled_at: datetime
    last_contact_at: Optional[datetime] = None
    last_scan_at: Optional[datetime] = None
    scan_version: int = 0
    facts: dict[str, FactValue] = field(default_factory=dict)
    states: dict[str, UpdateState] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    refusal: str = ""
    retired: bool = False
    collection: str = ""
    quarantine: str = ""

    @property
    def site_facts(self) -> dict[str, FactValue]:
        """Give the facts that the site knows better than the computer; no agent can set them."""
        found = {ENROLMENT_FACT: self.collection, QUARANTINE_FACT: self.quarantine}
        return {name: value for name, value in found.items() if value}

    @property
    def machine_class(self) -> MachineClass:
        """The class that it tells; without a known one it is a server."""
        told = self.facts.get(CLASS_FACT)
        return next((kind for kind in MachineClass if kind.value == told), MachineClass.SERVER)

    @property
    def is_server(self) -> bool:
        """Whether nobody sits at it."""
        return self.machine_class is MachineClass.SERVER

    @property
    def release(self) -> str:
        """The operating-system release, as `debian-12`, or nothing when it is not known."""
        release = self.facts.get("os.release", "")
        return release if isinstance(release, str) else ""
