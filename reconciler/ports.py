"""What the engine needs of the outside world; adapters stand one floor up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from reconciler.model.approvals import Approvals, Vouching
from reconciler.model.grants import Grant
from reconciler.model.reviewed import ReviewedPlan
from reconciler.model.updates import Update

ReadFile = Callable[[str, int], bytes | None]


class Clock(Protocol):
    """The only source of `now` (S1)."""

    def now(self) -> datetime:
        """Give the present instant as aware UTC."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """The files of one commit: paths below the sub-path, with their bytes.

    `commit` is the full id; `committed_at` its committer date in UTC; `grants` stand in the
    commits since the one that was applied last. `vouching` says who signed it, where signatures
    are asked for; `approvals` what git proves of each file that people approve, where git was
    asked. `reviewed` are the plans that the commits since the last applied one say were reviewed.
    `read` gives any other file of the commit by such a path, one byte more than a limit at most;
    nothing where there is no regular file.
    """

    commit: str
    committed_at: datetime
    files: Mapping[str, bytes]
    grants: tuple[Grant, ...] = ()
    vouching: Vouching | None = None
    approvals: Mapping[str, Approvals] | None = None
    reviewed: tuple[ReviewedPlan, ...] = ()
    read: ReadFile | None = field(default=None, compare=False)


class Source(Protocol):
    """Where the desired state comes from."""

    def fetch(self, applied: str = "", /) -> Checkout:
        """Give the newest revision whole; raise SourceError where that is not possible (S29).

        `applied` is the commit that was applied last, if there is one.
        """


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that could not be read: where it is, its update's id as far as known, and why."""

    where: str
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A whole read of an update source: its updates, and the records that are broken.

    `retracted` are records that their publisher withdrew, which are no updates.
    """

    updates: tuple[Update, ...]
    set_aside: tuple[SetAside, ...] = ()
    retracted: tuple[str, ...] = ()

    def may_hold(self, update_id: str) -> bool:
        """Tell whether a record that was set aside may be this update: it is listed then (S29)."""
        return any(one.id in {"", update_id} for one in self.set_aside)


class CatalogReader(Protocol):
    """Reads one update source."""

    def read(self) -> Listing:
        """Give what the source lists, whole; raise CatalogError where that is not possible."""
