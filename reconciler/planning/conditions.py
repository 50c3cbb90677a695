"""Status lines of a plan, after the Kubernetes conventions (S30)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class ConditionType(StrEnum):
    """The closed list of what a plan can say; each stands in docs/codes.md."""

    NOTHING_TO_OFFER = "NothingToOffer"
    NO_FILES = "NoFiles"
    NOT_REMOVABLE = "NotRemovable"
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
    CLOCK_SKEW = "ClockSkew"
    BUDGET_EXHAUSTED = "BudgetExhausted"
    EMERGENCY = "EmergencyProgressing"
    DRILL = "DrillProgressing"
    DRILL_MET = "DrillMet"
    DRILL_MISSED = "DrillMissed"
    OBSERVING = "Observing"
    QUARANTINED = "Quarantined"
    TARGETS_LIMITED = "TargetsLimited"
    ASSERTION_FAILED = "AssertionFailed"
    AWAITING_APPROVAL = "AwaitingApproval"
    AGENT_TOO_OLD = "AgentTooOld"


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """One true statement about a subject such as `Rollout/web` or `Rollout/web/1/reference`.

    The message holds nothing volatile, so that an unchanged state is an unchanged condition.
    """

    subject: str
    type: ConditionType
    message: str

    @property
    def reason(self) -> str:
        """The documented word for why it is true (S30)."""
        return REASONS[self.type]


REASONS: Mapping[ConditionType, str] = MappingProxyType(
    {
        ConditionType.AGENT_TOO_OLD: "AbilityMissing",
        ConditionType.NOTHING_TO_OFFER: "NothingSelected",
        ConditionType.NO_FILES: "AdvisoriesOnly",
        ConditionType.NOT_REMOVABLE: "NoUninstallCommand",
        ConditionType.ENDED: "UntilPassed",
        ConditionType.SUSPENDED: "SuspendedInGit",
        ConditionType.RELEASE_WAITING: "NewestNotSettled",
        ConditionType.REGRESSED: "FewerComply",
        ConditionType.FROZEN: "FreezeInForce",
        ConditionType.HALTED: "TooManyFailed",
        ConditionType.HALTED_ELSEWHERE: "SameUpdateHalted",
        ConditionType.EMPTY_TARGET: "NobodyCounted",
        ConditionType.TOO_MANY_UNREACHABLE: "AgentsSilent",
        ConditionType.AWAITING_RESTARTS: "RestartsOutstanding",
        ConditionType.GATE_MISSED: "RatioBelowGate",
        ConditionType.OVERDUE: "OpenTooLong",
        ConditionType.NO_WINDOW: "NoWindowDeclared",
        ConditionType.NO_WINDOW_AHEAD: "RecurrenceEnded",
        ConditionType.BAD_TIMEZONE: "ZoneNotKnown",
        ConditionType.HELD: "ChangeTooLarge",
        ConditionType.FACT_MISSING: "FactNotReported",
        ConditionType.AMBIGUOUS_COMPUTER: "NameShared",
        ConditionType.UNKNOWN_COMPUTER: "NotEnrolled",
        ConditionType.UNKNOWN_UPDATE: "NotInCatalog",
        ConditionType.SEVERITY_MISSING: "SeverityNotTold",
        ConditionType.CONTENT_MISSING: "CaptureFailed",
        ConditionType.CATALOG_STALE: "SourceNotRead",
        ConditionType.RECORDS_SET_ASIDE: "RecordsBroken",
        ConditionType.PRUNE_BLOCKED: "TooMuchMissing",
        ConditionType.CLOCK_BEHIND: "ClockBehindRecords",
        ConditionType.CLOCK_SKEW: "AgentClockOff",
        ConditionType.QUARANTINED: "CredentialForked",
        ConditionType.BUDGET_EXHAUSTED: "HoldersStuck",
        ConditionType.EMERGENCY: "EmergencyInProgress",
        ConditionType.DRILL: "DrillInProgress",
        ConditionType.DRILL_MET: "TargetsMet",
        ConditionType.DRILL_MISSED: "TargetsMissed",
        ConditionType.OBSERVING: "ModeObserve",
        ConditionType.TARGETS_LIMITED: "DailyLimitReached",
        ConditionType.ASSERTION_FAILED: "PlanNotAsAsserted",
        ConditionType.AWAITING_APPROVAL: "CameAfterApproval",
    }
)
