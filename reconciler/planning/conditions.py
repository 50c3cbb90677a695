"""Status lines of a plan, after the Kubernetes conventions (S30)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ConditionType(StrEnum):
    """The closed list of what a plan can say; each stands in docs/codes.md."""

    NOTHING_TO_OFFER = "NothingToOffer"
    NO_FILES = "NoFiles"
    ENDED = "Ended"
    SUSPENDED = "Suspended"
    RELEASE_WAITING = "ReleaseWaiting"
    REGRESSED = "Regressed"
    FROZEN = "Frozen"
    HALTED = "Halted"
    HALTED_ELSEWHERE = "HaltedElsewhere"
    EMPTY_TARGET = "EmptyTarget"
    TOO_MANY_UNREACHABLE = "TooManyUnreachable"
    AWAITING_RESTARTS = "AwaitingRestarts"
    GATE_MISSED = "GateMissed"
    OVERDUE = "Overdue"
    NO_WINDOW = "NoWindow"
    NO_WINDOW_AHEAD = "NoWindowAhead"
    BAD_TIMEZONE = "BadTimezone"
    HELD = "Held"
    FACT_MISSING = "FactMissing"
    AMBIGUOUS_COMPUTER = "AmbiguousComputer"
    UNKNOWN_COMPUTER = "UnknownComputer"
    UNKNOWN_UPDATE = "UnknownUpdate"
    SEVERITY_MISSING = "SeverityMissing"
    CONTENT_MISSING = "ContentMissing"
    CATALOG_STALE = "CatalogStale"
    RECORDS_SET_ASIDE = "RecordsSetAside"
    PRUNE_BLOCKED = "PruneBlocked"
    CLOCK_BEHIND = "ClockBehind"
    BUDGET_EXHAUSTED = "BudgetExhausted"
    EMERGENCY = "EmergencyProgressing"
    OBSERVING = "Observing"


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """One true statement about a subject such as `Rollout/web` or `Rollout/web/1/reference`.

    The message holds nothing volatile, so that an unchanged state is an unchanged condition.
    """

    subject: str
    type: ConditionType
    message: str
