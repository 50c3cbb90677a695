"""Why a computer is not patched, and why a phase does not go on: two closed lists (H5, S13, S14).

Each reason stands in docs/reasons.md. The words are stable: other tools may compare them.
"""

from __future__ import annotations

from enum import Enum


class Reason(str, Enum):
    """What keeps an update from a computer, or what shows that nothing does."""

    # What the site knows of the computer, and how recently.
    NOT_ENROLLED = "notEnrolled"
    RETIRED = "retired"
    QUARANTINED = "quarantined"
    AGENT_STOPPED = "agentStopped"
    NO_CONTACT_SINCE_SCAN = "noContactSinceScan"
    OFFLINE = "offline"
    ACCESS_DENIED = "accessDenied"
    BEING_REBUILT = "beingRebuilt"
    NOT_SCANNED = "notScanned"
    SCAN_STALE = "scanStale"
    # What the update is to it.
    UNKNOWN_UPDATE = "unknownUpdate"
    SCAN_BEFORE_CATALOG = "scanBeforeCatalog"
    WAIVED = "waived"
    INSTALLED = "installed"
    NOT_APPLICABLE = "notApplicable"
    NOT_REPORTED = "notReported"
    RESTART_PENDING = "restartPending"
    SUPERSEDED = "superseded"
    # Whether git offers it, and how far it has come.
    NOT_IN_GROUP = "notInGroup"
    REJECTED = "rejected"
    EXCEPTED = "excepted"
    NOT_APPROVED = "notApproved"
    WITHDRAWN = "withdrawn"
    NO_FILES = "noFiles"
    NOT_YET_IN_FORCE = "notYetInForce"
    ENDED = "ended"
    SUSPENDED = "suspended"
    NOT_RELEASED = "notReleased"
    NOT_TARGETED = "notTargeted"
    PHASE_NOT_OPEN = "phaseNotOpen"
    SKIPPED = "skipped"
    RELEASE_RETIRED = "releaseRetired"
    NOT_APPLIED = "notApplied"
    CONTENT_MISSING = "contentMissing"
    OTHER_OFFER = "otherOffer"
    HALTED_ELSEWHERE = "haltedElsewhere"
    HALTED = "halted"
    HELD = "held"
    # Whether it may start there.
    OBSERVING = "observing"
    RUNNING = "running"
    WAIVER_GRACE = "waiverGrace"
    OFFERED_ONLY = "offeredOnly"
    FAILED = "failed"
    TIMED_OUT = "timedOut"
    DISK_FULL = "diskFull"
    PREREQUISITE_TOO_OLD = "prerequisiteTooOld"
    REFUSED = "refused"
    RAN = "ran"
    POSTPONED = "postponed"
    WAITS_FOR_USER = "waitsForUser"
    SPREAD = "spread"
    FROZEN = "frozen"
    NO_WINDOW = "noWindow"
    NO_WINDOW_AHEAD = "noWindowAhead"
    WINDOW_TOO_SHORT = "windowTooShort"
    OUTSIDE_WINDOW = "outsideWindow"
    WAITS_FOR_PERMIT = "waitsForPermit"
    AGENT_WAITS = "agentWaits"
    DUE = "due"


class PhaseReason(str, Enum):
    """What keeps a phase from opening or passing, or that nothing does."""

    # Opening (S13), in the order in which the planner tests.
    EMERGENCY_NOT_READY = "emergencyNotReady"
    HALTED = "halted"
    SUSPENDED = "suspended"
    NOT_IN_FORCE = "notInForce"
    STALE_READS = "staleReads"
    HALTED_ELSEWHERE = "haltedElsewhere"
    SERVED = "served"
    NOT_BEFORE = "notBefore"
    OPENS_AT = "opensAt"
    REGRESSED = "regressed"
    EARLIER_PHASE = "earlierPhase"
    FROZEN = "frozen"
    TARGETS_LIMITED = "targetsLimited"
    ASSERTION_FAILED = "assertionFailed"
    NOT_APPLIED = "notApplied"
    # The gate of an opened one (S14).
    EMPTY_TARGET = "emptyTarget"
    NOTHING_COUNTED = "nothingCounted"
    TOO_FEW_COMPLY = "tooFewComply"
    TOO_FEW_REPORTED = "tooFewReported"
    TOO_MANY_UNREACHABLE = "tooManyUnreachable"
    SOAKING = "soaking"
    TOO_FEW_IN_CONTACT = "tooFewInContact"
    # What a phase or a rollout has come to.
    PASSED = "passed"
    RETIRED = "retired"
    NOTHING_RELEASED = "nothingReleased"
