"""What the engine needs of the outside world; adapters stand one floor up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconciler.model.updates import Update


class Clock(Protocol):
    """The only source of `now` (S1)."""

    def now(self) -> datetime:
        """Give the present instant as aware UTC."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """The files of one commit: paths below the sub-path, with their bytes.

    `commit` is the full id; `committed_at` its committer date in UTC.
    """

    commit: str
    committed_at: datetime
    files: Mapping[str, bytes]


class Source(Protocol):
    """Where the desired state comes from."""

    def fetch(self) -> Checkout:
        """Give the newest revision whole; raise SourceError where that is not possible (S29)."""


class CatalogReader(Protocol):
    """Reads one update source."""

    def read(self) -> tuple[Update, ...]:
        """Give all updates of the source, whole; raise CatalogError where that is not possible."""
