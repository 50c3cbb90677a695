"""What the reconciler remembers of a rollout: releases, phases, who was targeted (S25)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Optional


@dataclass(frozen=True)
class ReleasedUpdate:
    """An update in the revision that the release froze (S12)."""

    id: str
    revision: int


@dataclass(frozen=True)
class Release:
    """A numbered, frozen set of updates of a rollout (S12).

    `version` is the version of the authorization's package that holds its content; it rises
    when the release takes additions in. `removed` left the authorization for good: what is
    offered is `updates` without it. A retired release keeps its number and its record; it is
    `folded` where rollups hold its updates from then on (S20). `formerly` are the names that its
    rollout had, oldest first.
    """

    rollout: str
    number: int
    version: int
    updates: tuple[ReleasedUpdate, ...]
    cut_at: datetime
    removed: tuple[str, ...] = ()
    retired: bool = False
    folded: bool = False
    formerly: tuple[str, ...] = ()

    @property
    def first_name(self) -> str:
        """The name under which agents know it, whatever its rollout is called today."""
        return (*self.formerly, self.rollout)[0]

    def offered(self) -> tuple[ReleasedUpdate, ...]:
        """Give the updates that are left, in order of their ids."""
        return self._offered

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of the updates that are left, in order."""
        return tuple(update.id for update in self._offered)

    @cached_property
    def offered_ids(self) -> frozenset[str]:
        """The ids of the updates that are left, to look them up."""
        return frozenset(self.ids)

    @cached_property
    def _offered(self) -> tuple[ReleasedUpdate, ...]:
        gone = set(self.removed)
        return tuple(update for update in self.updates if update.id not in gone)


class PhaseState(str, Enum):
    """State of one release in one phase (S13); `pending` ones have no record."""

    PENDING = "pending"
    OPEN = "open"
    SUCCEEDED = "succeeded"
    HALTED = "halted"


class Passage(str, Enum):
    """How a phase came to count as passed (S13, S15)."""

    GATE = "gate"
    ACCEPTED = "accepted"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class PhaseRecord:
    """The memory of one release in one opened phase.

    `state` is open, succeeded or halted; while halted, `before_halt` is the state to return to
    and `blocked` the updates that were missing on the computers that failed (S15). `lifted_at`
    is the last lift, from which failures count anew. `retired` once the release left the phase.
    """

    rollout: str
    release: int
    phase: str
    state: PhaseState
    opened_at: datetime
    soak_since: Optional[datetime] = None
    succeeded_at: Optional[datetime] = None
    passage: Optional[Passage] = None
    halted_at: Optional[datetime] = None
    before_halt: Optional[PhaseState] = None
    blocked: tuple[str, ...] = ()
    lifted_at: Optional[datetime] = None
    retired: bool = False

    @property
    def retried_at(self) -> Optional[datetime]:
        """When an order to retry lifted its halt, if that is how it was last lifted (S15).

        A halt that was relieved keeps what it blocked, and one that was let pass its passage.
        """
        is_let_pass = self.passage in (Passage.ACCEPTED, Passage.SKIPPED)
        return None if self.blocked or is_let_pass else self.lifted_at

    def blocks(self, rollout: str, release: int) -> bool:
        """Tell whether its halt keeps what it blocks from that release (S15).

        Another rollout's, and a newer one's; the halted release itself is held anyway.
        """
        if self.state is not PhaseState.HALTED:
            return False
        return rollout != self.rollout or release > self.release


@dataclass(frozen=True)
class Rerun:
    """A token of a Readvertise that has acted: the phase ran once more from then on (S16)."""

    rollout: str
    phase: str
    token: str
    seen_at: datetime


@dataclass(frozen=True)
class SeenToken:
    """A `resume` token of a rollout that has acted; it never acts again (S15)."""

    rollout: str
    token: str
    seen_at: datetime
