"""What agents say: enrolment and batches of messages (J5, J6).

A batch carries (epoch, serial). Serials of an epoch rise by one, so a repeat is harmless and a
gap is seen; a batch that holds everything (`full`) heals a gap. An agent that lost its memory
starts a greater epoch with a full batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from typing import Optional, Union

from reconciler.model.updates import UpdateState

FactValue = Union[bool, int, float, str, tuple[str, ...]]


class StatusId(IntEnum):
    """Numeric ids of status messages (H3 and the older program messages)."""

    PROGRAM_STARTED = 10005
    PROGRAM_FAILED = 10006
    PROGRAM_SUCCEEDED = 10008
    WINDOW_TOO_EARLY = 11250
    WINDOW_TOO_LATE = 11251
    INSTALL_RESCHEDULED_BY_USER = 11252
    INSTALL_POSTPONED_BY_USER = 11253
    INSTALL_POSTPONED_AUTOMATICALLY = 11254
    WINDOW_TOO_SHORT = 11256
    RESTART_FIRST_RESCHEDULED_BY_USER = 11257
    RESTART_FIRST_POSTPONED_BY_USER = 11258
    RESTART_FIRST_POSTPONED_AUTOMATICALLY = 11259
    DONE_RESTART_RESCHEDULED_BY_USER = 11261
    DONE_RESTART_POSTPONED_BY_USER = 11262
    DONE_RESTART_POSTPONED_AUTOMATICALLY = 11263
    RESTART_STARTED_REQUIRED = 11264
    RESTART_STARTED_FORCED = 11265
    DONE_RESTART_SUPPRESSED_WORKSTATION = 11266
    DONE_RESTART_SUPPRESSED_SERVER = 11267
    DONE_NO_RESTART = 11268
    RESTART_NEEDED_TO_GO_ON = 11269
    RESTART_REQUIRED = 11270
    RUN_REFUSED = 21001  # ours: could not start, for the reason given; not a failure (S15)
    RUN_WAITS = 21002  # ours: due, and waits for the reason given
    RESTART_FAILED = 21003  # ours: the machine did not obey


class ScanOutcome(str, Enum):
    """How a scan ended; only a completed one is evidence (S14, S29)."""

    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True)
class FactsReport:
    """All facts of the computer, replacing what was known."""

    at: datetime
    facts: dict[str, FactValue]


@dataclass(frozen=True)
class Executable:
    """A file that may be run: its size in bytes and SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class InventoryReport:
    """All installed packages by name, and programs by path (A2), replacing what was known."""

    at: datetime
    packages: dict[str, str]
    executables: dict[str, Executable] = field(default_factory=dict)


@dataclass(frozen=True)
class ScanReport:
    """A scan of one catalog slice ended.

    `content_version` is the slice's. `changes` holds the states that differ from the last scan
    that the server acknowledged, or every state but `notApplicable` in a full batch.
    """

    started_at: datetime
    ended_at: datetime
    outcome: ScanOutcome
    content_version: int
    changes: dict[str, UpdateState]
    reason: str = ""


@dataclass(frozen=True)
class StatusMessage:
    """Event `id` happened to an advertisement of a release; a run's messages share `run`.

    A `voluntary` run was started by the computer's user, any other one was enforced (H3). `took`
    is how long a run lasted that has ended.
    """

    at: datetime
    id: int
    advertisement: str
    rollout: str
    release: int
    run: int
    exit_code: Optional[int] = None
    reason: str = ""
    detail: str = ""
    voluntary: bool = False
    took: Optional[timedelta] = None


@dataclass(frozen=True)
class Batch:
    """One delivery of messages of one computer; `instance` names one life of its agent (L3)."""

    computer: str
    epoch: int
    serial: int
    full: bool
    sent_at: datetime
    facts: Optional[FactsReport] = None
    inventory: Optional[InventoryReport] = None
    scan: Optional[ScanReport] = None
    statuses: tuple[StatusMessage, ...] = ()
    instance: str = ""


@dataclass(frozen=True)
class BatchReply:
    """The answer to a batch: what the server holds now, and whether it needs everything."""

    epoch: int
    serial: int
    accepted: bool
    resync: bool


@dataclass(frozen=True)
class EnrolRequest:
    """A machine asks to be managed (L1)."""

    token: str
    name: str
    hardware_id: str


@dataclass(frozen=True)
class RenewReply:
    """A new credential; the one before is good until this one is used for the first time."""

    credential: str


@dataclass(frozen=True)
class EnrolReply:
    """The new computer's id, its own credential and the site's public key (hex)."""

    computer: str
    credential: str
    site: str
    public_key: str
