"""What agents say of runs: refused, failed, waiting; closed lists of stable words (H3, H5).

Each word stands in docs/reasons.md. Messages carry them as text, so that a site also takes the
words of an agent that is newer than itself.
"""

from __future__ import annotations

from enum import Enum


class Refusal(str, Enum):
    """Why a run did not begin: nothing was changed."""

    APT_FAILED = "aptFailed"
    COMMAND_FAILED = "commandFailed"
    CANNOT_PREPARE = "cannotPrepare"
    CONTENT_INCOMPLETE = "contentIncomplete"
    DEPENDENCY_CONFLICT = "dependencyConflict"
    DISK_FULL = "diskFull"
    DNF_FAILED = "dnfFailed"
    DPKG_INTERRUPTED = "dpkgInterrupted"
    EXCLUDED = "excluded"
    HELD = "held"
    HOOK_UNKNOWN = "hookUnknown"
    LOCKED = "locked"
    MODULE_DISABLED = "moduleDisabled"
    NOT_REMOVABLE = "notRemovable"
    PINNED = "pinned"
    PROGRAM_UNKNOWN = "programUnknown"
    REMOVAL = "removal"
    UNAUTHORIZED_UPGRADE = "unauthorizedUpgrade"


class Failure(str, Enum):
    """Why a run that began did not end well."""

    EXIT_CODE = "exitCode"
    HOOK_AFTER = "hookAfter"
    HOOK_BEFORE = "hookBefore"
    INTERRUPTED = "interrupted"
    NOT_INSTALLED = "notInstalled"
    RESTART_FIRST = "restartFirst"
    SCRIPTLET_FAILED = "scriptletFailed"
    TIMEOUT = "timeout"


class WaitReason(str, Enum):
    """Why what is offered and missing does not run now."""

    # Nothing may start here.
    OBSERVING = "observing"
    POLICY_EXPIRED = "policyExpired"
    CLOCK = "clock"
    RUNNING = "running"
    # Its time has not come.
    HELD = "held"
    USER = "user"
    CHOSEN = "chosen"
    POSTPONED = "postponed"
    SPREAD = "spread"
    RETRY = "retry"
    # It goes on after a restart.
    RESTART = "restart"
    RESTART_POSTPONED = "restartPostponed"
    RESTART_RESCHEDULED = "restartRescheduled"
    # It is due.
    FREEZE = "freeze"
    WINDOW_AHEAD = "windowAhead"
    WINDOW_MISSED = "windowMissed"
    WINDOW_TOO_SHORT = "windowTooShort"
    LOCKED = "locked"
    PERMIT = "permit"
    CONTENT = "content"
    NEXT = "next"


class RestartWait(str, Enum):
    """Why a restart that is due has not begun."""

    GRACE = "grace"
    HOOK_BEFORE = "hookBefore"
    POSTPONED = "postponed"
    WINDOW = "window"
