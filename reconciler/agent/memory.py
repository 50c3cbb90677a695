"""What the agent remembers between two steps and two lives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Optional

from reconciler.model.messages import StatusMessage
from reconciler.model.policy import SignedPolicy
from reconciler.model.updates import UpdateState

_ENDED_LIMIT = 100


@dataclass(frozen=True)
class LastScan:
    """The last completed scan: `catalog` is the slice's SHA-256, `states` all but notApplicable."""

    started_at: datetime
    ended_at: datetime
    content_version: int
    catalog: str
    states: dict[str, UpdateState]


@dataclass(frozen=True)
class EndedRun:
    """The last attempt at a release: it ran, or it was refused before it changed anything."""

    rollout: str
    release: int
    run: int
    ended_at: datetime
    refused: bool
    reason: str = ""
    exit_code: Optional[int] = None


@dataclass(frozen=True)
class RunRecord:
    """A run that has begun and not ended (the journal).

    `updates` and `packages` are what it installs (the latter as (name, architecture, version));
    `automatic` are those of its packages that were marked as automatically installed before.
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
        )


@dataclass(frozen=True)
class Memory:
    """Instants are in the site's time; `ahead_us` is site time minus local time, in microseconds.

    `policy` is the last one taken, also after it expired: nothing older is ever taken (trust).
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

    def last_end(self, rollout: str, release: int) -> Optional[EndedRun]:
        """Give the last attempt at this release here."""
        for ended in self.ended:
            if (ended.rollout, ended.release) == (rollout, release):
                return ended
        return None

    def with_end(self, end: EndedRun) -> Memory:
        """Remember how an attempt ended; of a release only the last, of releases the newest."""
        others = tuple(
            ended
            for ended in self.ended
            if (ended.rollout, ended.release) != (end.rollout, end.release)
        )
        return replace(self, ended=(end, *others)[:_ENDED_LIMIT], current=None)


def missing_updates(memory: Memory) -> frozenset[str]:
    """Give the updates that our own newest scan found missing."""
    states = memory.last_scan.states if memory.last_scan else {}
    return frozenset(id_ for id_, state in states.items() if state is UpdateState.MISSING)
