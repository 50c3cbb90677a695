"""How much of its window each computer has left, from the plan's own classes (S4)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Literal

import numpy as np

from reconciler.kinds.timezones import zone_or_utc
from reconciler.model.policy import Windows
from reconciler.observed.columns import micros
from reconciler.observed.memo import Bits
from reconciler.observed.order import Ints, array_of
from reconciler.planning.guidance import Guidance

CLOSED = -1
ANY_TIME = 1 << 60
Purpose = Literal["updates", "restarts"]
_NO_CLASS = -1


class Openings:
    """Looked up by class: computers of one class share their windows."""

    def __init__(self, guidance: Guidance, size: int) -> None:
        self._class_of = np.full(size, _NO_CLASS, dtype=np.int64)
        self._windows = [one.windows for one in guidance.windows]
        self._urgent = [one.emergency or one.windows for one in guidance.windows]
        self._zones = [(zone_or_utc(one.zone), one.members) for one in guidance.windows]
        for number, one in enumerate(guidance.windows):
            self._class_of[array_of(one.members)] = number  # type: ignore[arg-type]

    def rest(self, now: datetime, purpose: Purpose, *, urgent: bool = False) -> Ints:
        """Give the microseconds until the window of each computer closes, or `CLOSED`.

        Emergencies may have other ones, where a freeze is not for them (S13a).
        """
        windows = self._urgent if urgent else self._windows
        return self._spread([_rest(one, now, purpose) for one in windows])

    def zoned(self, who: Bits) -> Iterator[tuple[tzinfo, Bits]]:
        """Split computers by their time zone."""
        for zone, members in self._zones:
            mine = members & who
            if mine:
                yield zone, mine

    def elapsed(self, now: datetime) -> Ints:
        """Give the microseconds since the window for updates of each computer opened."""
        return self._spread([_elapsed(one, now) for one in self._windows])

    def never_opens(self) -> Ints:
        """Give 1 for computers that have no window at all, else 0."""
        return self._spread([int(not (one.always or one.updates)) for one in self._windows], 1)

    def _spread(self, by_class: list[int], outside: int = CLOSED) -> Ints:
        # The last one stands for those in no class.
        found: Ints = np.array([*by_class, outside], dtype=np.int64)[self._class_of]
        return found


def _rest(windows: Windows, now: datetime, purpose: Purpose) -> int:
    span = _current(windows, now, purpose)
    if windows.always:
        return ANY_TIME
    return CLOSED if span is None else micros(span[1]) - micros(now)


def _elapsed(windows: Windows, now: datetime) -> int:
    span = _current(windows, now, "updates")
    return ANY_TIME if span is None else micros(now) - micros(span[0])


def _current(windows: Windows, now: datetime, purpose: Purpose) -> tuple[datetime, datetime] | None:
    spans = windows.updates if purpose == "updates" else windows.restarts
    place = bisect_right(spans, now, key=lambda span: span[0]) - 1
    return spans[place] if place >= 0 and now < spans[place][1] else None
