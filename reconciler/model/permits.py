"""Permits to disrupt a computer, and what is said to get one (S19)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Optional


@dataclass(frozen=True)
class PermitRequest:
    """A computer could start the advertisement's program at once, but for the permit."""

    advertisement: str


@dataclass(frozen=True)
class PermitReply:
    """Whether it may start now; a run that has not begun by `expires_at` has to ask again."""

    granted: bool
    expires_at: Optional[datetime] = None


@dataclass(frozen=True)
class Waiting:
    """A computer that asked for a permit, with all that its place in the order depends on.

    `rank` is smaller for what goes first: emergencies, then by priority.
    """

    computer: str
    ordinal: int
    name: str
    advertisement: str
    rollout: str
    release: int
    phase: str
    rank: int
    failed_before: bool
    deadline: Optional[datetime]
    asked_at: datetime


@dataclass(frozen=True)
class Permit:
    """Leave to disrupt one computer for one release.

    It ends at `expires_at` unless a run has begun; `began` ones stay until they are verified,
    `failed` ones for a while. With `by_user` nobody asked: the user started the run.
    """

    computer: str
    ordinal: int
    name: str
    advertisement: str
    rollout: str
    release: int
    phase: str
    granted_at: datetime
    expires_at: datetime
    began: bool = False
    failed: bool = False
    by_user: bool = False
