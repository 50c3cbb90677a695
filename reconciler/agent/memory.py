"""What the agent remembers between two steps and two lives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Optional

from reconciler.model.aims import INSTALL, UNINSTALL
from reconciler.model.canonical import digest_of
from reconciler.model.codec import encode
from reconciler.model.custom import Step
from reconciler.model.messages import StatusMessage
from reconciler.model.orders import HookOrder, RunOrder
from reconciler.model.policy import InventoryOrder, Offer, ScanOrder, SignedPolicy
from reconciler.model.updates import UpdateState

_ENDED_LIMIT = 100
_TOLERATED_SKEW = timedelta(minutes=5)
_TO_DO = {
    INSTALL: frozenset({UpdateState.MISSING}),
    UNINSTALL: frozenset({UpdateState.INSTALLED, UpdateState.PENDING_RESTART}),
}


@dataclass(frozen=True)
class LastScan:
    """The last completed scan: `catalog` is the slice's SHA-256, `states` all but notApplicable.

    `custom` is the digest of what it looked for beside the slice, `unsure` says why an update of
    those is unknown. `software` holds the facts of the inventory that git asks for.
    """

    started_at: datetime
    ended_at: datetime
    content_version: int
    catalog: str
    states: dict[str, UpdateState]
    custom: str = ""
    unsure: dict[str, str] = field(default_factory=dict)
    software: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EndedRun:
    """The last attempt at a release: it ran, or it was refused before it changed anything.

    `boot` is the boot that has to be over before the next attempt, if one has to.
    """

    rollout: str
    release: int
    run: int
    ended_at: datetime
    refused: bool
    reason: str = ""
    exit_code: Optional[int] = None
    boot: str = ""


@dataclass(frozen=True)
class OwnStep:
    """The command of one update of one's own (E2), which installs or `removes` it.

    It runs in `folder`, as the root sees it.
    """

    update: str
    step: Step
    folder: str
    removes: bool = False


@dataclass(frozen=True)
class RunRecord:
    """A run that has begun (the journal).

    `updates` and `packages` are what it installs (the latter as (name, architecture, version));
    `automatic` are those of its packages that were marked as automatically installed before. It
    is `prepared` once its hook has run and the install may begin; `voluntary` means that the
    user started it.

    It has stages: its packages, if any, and then each of `steps`. `done` counts those that worked,
    `detail` is what they said. The next one began at `stage_at`, or is still to be begun where the
    run is `between` two stages.
    """

    run: int
    advertisement: str
    rollout: str
    release: int
    began_at: datetime
    max_runtime: timedelta
    updates: tuple[str, ...]
    packages: tuple[tuple[str, str, str], ...]
    automatic: tuple[str, ...]
    timed_out: bool = False
    own_sources: bool = False
    order: RunOrder = field(default_factory=RunOrder)
    mandatory_at: Optional[datetime] = None
    voluntary: bool = False
    prepared: bool = False
    steps: tuple[OwnStep, ...] = ()
    done: int = 0
    detail: str = ""
    stage_at: Optional[datetime] = None
    between: bool = False

    @property
    def step(self) -> Optional[OwnStep]:
        """The step that is next or under way; nothing while that are the packages."""
        number = self.done - bool(self.packages)
        return self.steps[number] if 0 <= number < len(self.steps) else None

    @property
    def is_last_stage(self) -> bool:
        """Whether nothing follows what is under way."""
        return self.done + 1 >= bool(self.packages) + len(self.steps)

    def make_status(
        self,
        at: datetime,
        status: int,
        exit_code: Optional[int] = None,
        *,
        reason: str = "",
        detail: str = "",
    ) -> StatusMessage:
        """Make a status message of this run."""
        return StatusMessage(
            at=at,
            id=int(status),
            advertisement=self.advertisement,
            rollout=self.rollout,
            release=self.release,
            run=self.run,
            exit_code=exit_code,
            reason=reason,
            detail=detail,
            voluntary=self.voluntary,
        )


@dataclass(frozen=True)
class HookRecord:
    """A hook that has begun and was not seen to end."""

    name: str
    began_at: datetime


@dataclass(frozen=True)
class EndedProgram:
    """A program of a chain that worked; one with a hook after is told once that has worked too."""

    record: RunRecord
    code: Optional[int]
    detail: str


class ChainStage(str, Enum):
    """What a chain is at: programs, hooks before a restart, the restart, hooks after."""

    PROGRAMS = "programs"
    DRAINING = "draining"
    RESTARTING = "restarting"
    VERIFYING = "verifying"


@dataclass(frozen=True)
class Chain:
    """What is done together: programs one after the other, one restart, the hooks around it (E1).

    `run` is the number of the first program and `boot` the identity of the boot that it began on.
    `owed` are the orders whose hook before has run, so that their hook after must run. `done` is
    the status for those that wait for their hook, if there is one to tell. Runs that are `stuck`
    failed because they need a restart first.
    """

    run: int
    boot: str
    stage: ChainStage = ChainStage.PROGRAMS
    programs: tuple[EndedProgram, ...] = ()
    owed: tuple[HookOrder, ...] = ()
    done: int = 0
    stuck: tuple[RunRecord, ...] = ()


@dataclass(frozen=True)
class PendingRestart:
    """A restart that is due and has not begun; `records` are the runs that ask for it.

    `announced_at` is when its grace began, `told` the last status about it. A user may postpone it
    until `postpone_until`, and has until `postponed_until`; `postponed_by` tells who did.
    """

    rule: str
    grace: timedelta
    since: datetime
    boot: str
    records: tuple[RunRecord, ...]
    postpone_until: Optional[datetime] = None
    announced_at: Optional[datetime] = None
    postponed_until: Optional[datetime] = None
    postponed_by: str = ""
    told: str = ""


@dataclass(frozen=True)
class Choice:
    """What the user decided about an offer: start it at an instant, or be left alone until one."""

    start_at: Optional[datetime] = None
    postponed_until: Optional[datetime] = None


@dataclass(frozen=True)
class Wait:
    """Why an offer that is due does not start, as it was told last; since when."""

    reason: str
    since: datetime


@dataclass(frozen=True)
class Memory:
    """Instants are in the site's time; `ahead_us` is site time minus local time, in microseconds.

    `policy` is the last one taken, also after it expired: nothing older is ever taken (trust).
    By advertisement: `choices` of the user, `waits` that were told, when the user was `reminded`.
    `restarts` holds the boot on which an update of one's own said that it needs another (E2).
    """

    policy: Optional[SignedPolicy] = None
    ahead_us: int = 0
    first_policy_at: Optional[datetime] = None
    refusal: str = ""
    last_scan: Optional[LastScan] = None
    scan_failures: int = 0
    scan_failed_at: Optional[datetime] = None
    ended: tuple[EndedRun, ...] = ()
    current: Optional[RunRecord] = None
    next_run: int = 1
    chain: Optional[Chain] = None
    hook: Optional[HookRecord] = None
    restart: Optional[PendingRestart] = None
    choices: dict[str, Choice] = field(default_factory=dict)
    waits: dict[str, Wait] = field(default_factory=dict)
    reminded: dict[str, datetime] = field(default_factory=dict)
    restarts: dict[str, str] = field(default_factory=dict)

    @property
    def ahead(self) -> timedelta:
        """How far the site's clock was ahead of the local one when last heard of."""
        return timedelta(microseconds=self.ahead_us)

    def last_end(self, rollout: str, release: int) -> Optional[EndedRun]:
        """Give the last attempt at this release here."""
        for ended in self.ended:
            if (ended.rollout, ended.release) == (rollout, release):
                return ended
        return None

    def on_boot(self, boot: str) -> Memory:
        """Forget the attempts that had to wait for the end of another boot than this one."""
        kept = tuple(ended for ended in self.ended if ended.boot in {"", boot})
        return self if kept == self.ended else replace(self, ended=kept)

    def with_end(self, end: EndedRun) -> Memory:
        """Remember how an attempt ended; of a release only the last, of releases the newest."""
        others = tuple(
            ended
            for ended in self.ended
            if (ended.rollout, ended.release) != (end.rollout, end.release)
        )
        return replace(self, ended=(end, *others)[:_ENDED_LIMIT])


def updates_to_do(offer: Offer, memory: Memory) -> frozenset[str]:
    """Give the offer's updates that its program is to act on, by our own newest scan (G3).

    A program that this agent does not know acts on all, so that it is refused by its name.
    """
    states = memory.last_scan.states if memory.last_scan else {}
    wanted = _TO_DO.get(offer.program, frozenset(UpdateState))
    return frozenset(one.id for one in offer.updates if states.get(one.id) in wanted)


def custom_digest(order: ScanOrder) -> str:
    """Give what differs when a scan has to look for something else beside the catalog's updates."""
    if not order.custom and order.inventory == InventoryOrder():
        return ""
    return digest_of([encode(order.custom), encode(order.inventory)])


def clock_skew_minutes(memory: Memory) -> int:
    """Give how many minutes this machine's clock is behind the site's; 0 up to five (S1)."""
    minutes = round(memory.ahead / timedelta(minutes=1))
    return minutes if abs(memory.ahead) > _TOLERATED_SKEW else 0
