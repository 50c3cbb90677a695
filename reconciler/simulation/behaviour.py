"""How computers behave: when they are on, how long runs take, how often they fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from reconciler.model.updates import Update
from reconciler.observed.order import Flags, Ints, Ordinals
from reconciler.planning.restart_needs import needs_restart

Floats = NDArray[np.float64]
_OPENS, _CLOSES = time(8), time(18)
_SATURDAY = 5


class Presence(StrEnum):
    """When a computer is on and can reach its site, in its own zone."""

    ALWAYS = "always"
    OFFICE_HOURS = "officeHours"
    WEEKDAYS = "weekdays"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Computers that are on and off together."""

    presence: Presence
    zone: ZoneInfo
    members: Ordinals

    def is_on(self, now: datetime) -> bool:
        """Tell whether they are on: office hours are 08:00 to 18:00, Monday to Friday."""
        if self.presence in {Presence.ALWAYS, Presence.DEAD}:
            return self.presence is Presence.ALWAYS
        wall = now.astimezone(self.zone)
        if wall.weekday() >= _SATURDAY:
            return False
        return self.presence is Presence.WEEKDAYS or _OPENS <= wall.time() < _CLOSES


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What every computer is like, by ordinal; spans are microseconds, chances from 0 to 1.

    A run takes a log-normal time about `run_median`. Whoever is `broken` fails always, all others
    by `failure`, and by the chance of each update that they install.
    """

    rhythms: tuple[Rhythm, ...]
    contact_every: Ints
    run_median: Ints
    run_sigma: Floats
    failure: Floats
    broken: Flags
    update_failure: Callable[[Update], float] = field(default=lambda _: 0.0)
    needs_restart: Callable[[Update], bool] = needs_restart
    content_delay: timedelta = timedelta(minutes=10)
