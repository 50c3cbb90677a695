"""The clocks: the machine's, and one that stands still for `--now`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Give the present instant."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that shows one instant."""

    moment: datetime

    def now(self) -> datetime:
        """Give that instant."""
        return self.moment
