"""When computers scan (S10, S14), and what the site learns of it."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.random import Generator
from pyroaring import BitMap

from reconciler.observed.columns import NEVER, micros
from reconciler.observed.flags import bits_of_flags
from reconciler.observed.order import Flags, Ints, array_of
from reconciler.planning.guidance import ScanClass
from reconciler.simulation.estate import Estate
from reconciler.simulation.truth import Truth

_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1) // _MICROSECOND


class Scans:
    """The next scan of each computer; one that is due happens at the next contact."""

    def __init__(self, estate: Estate, truth: Truth, chance: Generator) -> None:
        self._estate = estate
        self._truth = truth
        self._chance = chance
        self._classes: tuple[ScanClass, ...] = ()
        self._every: Ints = np.full(estate.size, _DAY, dtype=np.int64)
        self._next: Ints = np.full(estate.size, NEVER, dtype=np.int64)
        self._is_begun = False

    def follow(self, classes: tuple[ScanClass, ...], now: datetime) -> None:
        """Take over the cadences of the newest plan; at first everybody is somewhere in one."""
        if classes is self._classes or classes == self._classes:
            return
        self._classes = classes
        moment = micros(now)
        for one in classes:
            ordinals = array_of(BitMap(one.members))
            self._every[ordinals] = one.every // _MICROSECOND
            if not self._is_begun:
                within = one.first_within // _MICROSECOND
                first = moment + (self._chance.random(len(ordinals)) * within).astype(np.int64)
                last = self._estate.scanned_at[ordinals]
                again = last + (one.every // _MICROSECOND)
                self._next[ordinals] = np.where(last == NEVER, first, again)
        self._is_begun = True

    def ask(self, who: BitMap, now: datetime, offsets: Ints | None = None) -> None:
        """Have computers scan soon: each after its own offset, or at its next contact."""
        ordinals = array_of(who)
        wanted = micros(now) + (offsets[ordinals] if offsets is not None else 0)
        self._next[ordinals] = np.minimum(self._next[ordinals], wanted)

    def at(self, now: datetime, contacted: Flags, version: int) -> BitMap:
        """Let those scan that are due, or know an older catalog; give who did."""
        estate, moment = self._estate, micros(now)
        judged = estate.scanned_at != NEVER
        behind = judged & (estate.scan_version < version)
        due: Flags = contacted & ((self._next <= moment) | behind)
        estate.scanned_at[due] = moment
        estate.scan_version[due] = version
        self._next[due] = moment + self._every[due]
        who = bits_of_flags(due)
        self._truth.scan(who)
        estate.note_changes(who)
        return who
