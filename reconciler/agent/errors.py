"""What may go wrong on a machine; each text is one sentence for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Optional

from reconciler.model.errors import ReconcilerError
from reconciler.model.run_reasons import Refusal


class AgentError(ReconcilerError):
    """The agent cannot do what it was asked to; see the hint."""


class CommandError(AgentError):
    """A program of the machine failed or took too long."""


class SiteUnreachableError(AgentError):
    """The site did not answer, or asked for patience; `retry_after` is what it asked for."""

    def __init__(self, message: str, retry_after: Optional[timedelta] = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PolicyRefusedError(AgentError):
    """A policy is not to be trusted; `reason` is a stable word."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RunRefusedError(AgentError):
    """A run must not begin, for a reason of the closed list; nothing was changed."""

    def __init__(self, reason: Refusal, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StoppedError(AgentError):
    """Somebody asked the agent to end while it waited."""


class WokenError(AgentError):
    """There is something to do before the wait is over."""
