"""Leave to retire what git no longer holds (S23)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Grant:
    """A commit's trailer `Allow-Prune`: how many advertisements may retire at once."""

    commit: str
    number: int


@dataclass(frozen=True)
class SpentGrant:
    """A grant that a plan has used; `applied` is the commit that was planned for."""

    commit: str
    number: int
    applied: str
