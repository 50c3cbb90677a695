"""Who is on, and who is in contact with the site, at each tick."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from reconciler.observed.columns import NEVER, micros
from reconciler.observed.flags import bits_of_flags
from reconciler.observed.order import Flags
from reconciler.simulation.behaviour import Behaviour
from reconciler.simulation.estate import Estate

_MICROSECOND = timedelta(microseconds=1)


class Contacts:
    """Computers that are on call their site at every interval of their own."""

    def __init__(self, behaviour: Behaviour, estate: Estate, step: timedelta) -> None:
        self._behaviour = behaviour
        self._estate = estate
        self._step = step // _MICROSECOND
        self._rhythms = [(one, False) for one in behaviour.rhythms]
        self.is_on: Flags = np.zeros(estate.size, dtype=np.bool_)

    def at(self, now: datetime) -> Flags:
        """Let the tick's contacts happen; give who made one."""
        self._switch(now)
        moment, last = micros(now), self._estate.contact_at
        long_ago = (last == NEVER) | (last <= moment - self._behaviour.contact_every)
        made: Flags = self.is_on & self._estate.enrolled & long_ago
        # Of whom the site hears at every tick nothing is decided by a contact alone.
        silent = made & ((last == NEVER) | (last < moment - 2 * self._step))
        last[made] = moment
        self._estate.note_changes(bits_of_flags(silent))
        return made

    def _switch(self, now: datetime) -> None:
        for number, (rhythm, was_on) in enumerate(self._rhythms):
            is_on = rhythm.is_on(now)
            if is_on is not was_on:
                self.is_on[rhythm.members] = is_on
                self._rhythms[number] = (rhythm, is_on)
