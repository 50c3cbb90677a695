"""How a drill went: its runs, each with its states in order (I5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Optional


class DrillState(str, Enum):
    """The states of a run in their order; it ends in one of the last two."""

    SYNCING = "Syncing"
    STAGING = "Staging"
    ADVERTISED = "Advertised"
    VERIFIED = "Verified"
    UNVERIFIED = "Unverified"

    @property
    def is_end(self) -> bool:
        """Whether the run is over."""
        return self in {DrillState.VERIFIED, DrillState.UNVERIFIED}


@dataclass(frozen=True)
class DrillStep:
    """A state, when it was entered, and what showed that it could be."""

    state: DrillState
    at: datetime
    evidence: str


@dataclass(frozen=True)
class DrillRecord:
    """One run of a drill so far, numbered from 1; `rollout` is the drill's name as one.

    `content_version` is the catalog's when the scan was staged, 0 before.
    """

    rollout: str
    run: int
    steps: tuple[DrillStep, ...]
    content_version: int = 0

    @property
    def state(self) -> DrillState:
        """The state that was entered last."""
        return self.steps[-1].state

    @property
    def began_at(self) -> datetime:
        """When the run began."""
        return self.steps[0].at

    def entered_at(self, state: DrillState) -> Optional[datetime]:
        """Give when the state was entered, or nothing where it was not."""
        return next((step.at for step in self.steps if step.state is state), None)

    def took(self, state: DrillState) -> Optional[timedelta]:
        """Give how long it took from the beginning, or nothing where it did not come so far."""
        entered_at = self.entered_at(state)
        return None if entered_at is None else entered_at - self.began_at
