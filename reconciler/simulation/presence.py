"""When desks are on, by the hours at which they were heard of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from reconciler.observed.columns import NEVER, instant
from reconciler.observed.fleet import Fleet
from reconciler.observed.order import Ints, Ordinals
from reconciler.simulation.behaviour import Presence, Rhythm

_ENOUGH = 20
_QUARTER = 900 * 1_000_000
"""Of an hour: no zone is off by less."""
_WEEKEND_SHARE, _NIGHT_SHARE = 0.1, 0.2
"""From these shares of sightings on it is no chance; who is always on has 29 % and 58 %."""


@dataclass(frozen=True, slots=True)
class Sightings:
    """How often desks were heard of, on weekends and on weekdays out of office hours."""

    all: int = 0
    weekend: int = 0
    night: int = 0

    @property
    def presence(self) -> Presence | None:
        """When they are on; nothing where too few sightings tell."""
        if self.all < _ENOUGH:
            return None
        if self.weekend >= _WEEKEND_SHARE * self.all:
            return Presence.ALWAYS
        is_on_at_night = self.night >= _NIGHT_SHARE * self.all
        return Presence.WEEKDAYS if is_on_at_night else Presence.OFFICE_HOURS


def sightings(fleet: Fleet, desks: Sequence[tuple[ZoneInfo, Ordinals]]) -> Sightings:
    """Count last contacts, scans and recorded runs by the wall time of each computer's zone."""
    found = Sightings()
    for zone, ordinals in desks:
        night, weekday = (
            Rhythm(presence, zone, ordinals)
            for presence in (Presence.OFFICE_HOURS, Presence.WEEKDAYS)
        )
        for begin, number in _by_quarter(fleet, ordinals):
            at = instant(begin)
            is_weekday, in_office = weekday.is_on(at), night.is_on(at)
            found = Sightings(
                found.all + number,
                found.weekend + (0 if is_weekday else number),
                found.night + (number if is_weekday and not in_office else 0),
            )
    return found


def _by_quarter(fleet: Fleet, ordinals: Ordinals) -> Iterator[tuple[int, int]]:
    instants = np.concatenate(list(_instants(fleet, ordinals)))
    quarters, numbers = np.unique(instants[instants != NEVER] // _QUARTER, return_counts=True)
    yield from zip((quarters * _QUARTER).tolist(), numbers.tolist(), strict=True)


def _instants(fleet: Fleet, ordinals: Ordinals) -> Iterator[Ints]:
    yield fleet.last_contact_at.take(ordinals)
    yield fleet.last_scan_at.take(ordinals)
    for runs in fleet.runs.values():
        who, instants = runs.encoded()
        yield instants[:, np.isin(who, ordinals)].ravel()
