"""How far an emergency has come (S21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Optional


class EmergencyState(str, Enum):
    """The states of an emergency in their order; each is entered once (D4)."""

    SYNCING = "Syncing"
    STAGING = "Staging"
    REFERENCE_SCAN = "ReferenceScan"
    BUILDING = "Building"
    ADVERTISED = "Advertised"
    VERIFYING = "Verifying"
    FOLDING = "Folding"
    RETIRED = "Retired"

    @property
    def rank(self) -> int:
        """Its place in the order, from 0."""
        return list(EmergencyState).index(self)


@dataclass(frozen=True)
class EmergencyStep:
    """A state, when it was entered, and what showed that it could be."""

    state: EmergencyState
    at: datetime
    evidence: str


@dataclass(frozen=True)
class EmergencyRecord:
    """The way of an emergency so far, kept under its name as a rollout.

    `content_version` is the catalog's when its scans were staged, 0 before.
    """

    rollout: str
    steps: tuple[EmergencyStep, ...]
    content_version: int = 0

    @property
    def state(self) -> EmergencyState:
        """The state that was entered last."""
        return self.steps[-1].state

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it is live any more."""
        return self.state is EmergencyState.RETIRED

    def has_reached(self, state: EmergencyState) -> bool:
        """Tell whether the state was entered."""
        return self.state.rank >= state.rank

    def entered_at(self, state: EmergencyState) -> Optional[datetime]:
        """Give when the state was entered, or nothing where it was not yet."""
        return next((step.at for step in self.steps if step.state is state), None)
