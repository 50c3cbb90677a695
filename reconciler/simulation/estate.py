"""The fleet as a simulation changes it: its columns stand on arrays that are ours."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

import numpy as np
from pyroaring import BitMap

from reconciler.model.computers import MachineClass
from reconciler.observed.columns import NEVER, IntColumn, micros
from reconciler.observed.flags import bits_of_flags
from reconciler.observed.fleet import Columns, Fleet
from reconciler.observed.order import Flags, Ints, array_of
from reconciler.observed.runs import RunColumn
from reconciler.planning.scanning import machine_classes
from reconciler.simulation.truth import Truth

_NO_ORDER = 1 << 62


class Estate:
    """A copy of a fleet, and the truth behind it.

    `contact_at`, `scanned_at` and `scan_version` are written in place.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.size = max(fleet.ids, default=-1) + 1
        self.contact_at = self._values(fleet.last_contact_at)
        self.scanned_at = self._values(fleet.last_scan_at)
        self.scan_version = self._values(fleet.scan_version)
        self.fleet = Fleet(
            columns=Columns(
                ids=fleet.ids,
                names=fleet.names,
                enrolled=BitMap(fleet.enrolled),
                enrolled_at=_LivelyColumn(self._values(fleet.enrolled_at)),
                last_contact_at=_LivelyColumn(self.contact_at),
                last_scan_at=_LivelyColumn(self.scanned_at),
                scan_version=_LivelyColumn(self.scan_version),
                shard_position=fleet.shard_position,
                facts=fleet.facts,
                states={
                    state: {update: BitMap(bits) for update, bits in sets.items()}
                    for state, sets in fleet.states.items()
                },
                runs=dict(fleet.runs),
            )
        )

        self.truth = Truth(self.fleet)

    @cached_property
    def enrolled(self) -> Flags:
        """Who is enrolled, by ordinal."""
        return self.flags(self.fleet.enrolled)

    @cached_property
    def has_user(self) -> Flags:
        """Whose class says that somebody sits there, by ordinal."""
        classes = machine_classes(self.fleet)
        return self.flags(classes[MachineClass.WORKSTATION] | classes[MachineClass.PORTABLE])

    def flags(self, bits: BitMap) -> Flags:
        """Give a set as flags by ordinal."""
        made = np.zeros(self.size, dtype=np.bool_)
        made[array_of(BitMap(bits))] = True
        return made

    def note_changes(self, who: BitMap) -> None:
        """Have whoever keeps sets of computers look at these again."""
        ordinals = array_of(who)
        self.fleet.note_contacts(ordinals, self.contact_at[ordinals])

    def _values(self, column: IntColumn) -> Ints:
        values = np.full(self.size, NEVER, dtype=np.int64)
        values[: len(column)] = column.values()
        return values


class RunBook:
    """The runs of one release: what happened, and what the site was told of it."""

    def __init__(self, size: int, known: RunColumn) -> None:
        self.began = np.full(size, NEVER, dtype=np.int64)
        self.ended = np.full(size, NEVER, dtype=np.int64)
        self.failed = BitMap(known.failed)
        self.running = BitMap()
        self._untold = BitMap()
        self._told_end = self.ended
        ordinals, instants = known.encoded()
        self.began[ordinals], self.ended[ordinals] = instants
        self._told_end = self.ended.copy()
        self._told_failed = BitMap(known.failed)

    def begin(self, who: BitMap, now: datetime) -> None:
        """Let runs begin, of which the site is told at once."""
        self.began[array_of(who)] = micros(now)
        self.running |= who

    def resume(self, who: BitMap) -> BitMap:
        """Let runs go on that the site knows to have begun and not to have ended; give whose."""
        going = who & bits_of_flags(self.began > self.ended)
        self.running |= going
        return going

    def end(self, who: BitMap, ends: Ints, failed: BitMap) -> BitMap:
        """Let those of the runs end that go on; give whose."""
        mine = self.running & who
        ordinals = array_of(mine)
        self.ended[ordinals] = ends[ordinals]
        self.failed = (self.failed - mine) | (failed & mine)
        self.running -= mine
        self._untold |= mine
        return mine

    def tell(self, who: BitMap) -> BitMap:
        """Tell the site of the ends on computers in contact; give which."""
        told = self._untold & who
        ordinals = array_of(told)
        self._told_end[ordinals] = self.ended[ordinals]
        self._told_failed = (self._told_failed - told) | (self.failed & told)
        self._untold -= told
        return told

    def column(self) -> RunColumn:
        """Give what the site knows of the runs."""
        ordinals = np.flatnonzero(self.began != NEVER).astype(np.uint32)
        instants = np.stack([self.began[ordinals], self._told_end[ordinals]])
        return RunColumn(ordinals, instants, BitMap(self._told_failed))


class _LivelyColumn(IntColumn):
    """A column of which every value changes all the time: no order of them is worth keeping."""

    def __init__(self, values: Ints) -> None:
        super().__init__(values, worth=_NO_ORDER)

    def at_least(self, bound: int) -> BitMap:
        return bits_of_flags(self.values() >= bound)

    def above(self, bound: int) -> BitMap:
        return bits_of_flags(self.values() > bound)
