"""The site whose records and effects are the same rows of one database.

An effect and its mark in the journal therefore go in one transaction, so that a crash leaves
both or neither.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from reconciler.observed.memory import Record
from reconciler.planning.actions import DROPS, Action

R = TypeVar("R", bound=Record)


class Records(Protocol):
    """The records as one transaction sees them."""

    def put(self, record: Record, /) -> None:
        """Save the record in place of the one with its key."""

    def drop(self, record: Record, /) -> None:
        """Remove the record with that key; it may be gone already."""

    def find(self, record: R, /) -> R | None:
        """Give what is stored under the record's key."""


class UnitOfWork(Protocol):
    """One transaction of the store."""

    @property
    def records(self) -> Records:
        """The records of the site."""


class EmbeddedSite:
    """Carries out actions on the site's own database; it never chooses one."""

    def perform(self, work: UnitOfWork, action: Action) -> None:
        """Put or drop the action's record; doing it again changes nothing more (S26)."""
        if action.verb in DROPS:
            work.records.drop(action.record)
        else:
            work.records.put(action.record)
            if action.former is not None:
                work.records.drop(action.former)

    def shows(self, view: UnitOfWork, action: Action) -> bool:
        """Tell whether the action's effect is there already."""
        found = view.records.find(action.record)
        return found is None if action.verb in DROPS else found == action.record
