"""Sets of computers that pure functions gave, kept while what they were made from stands.

A function that may be kept looks at computers one by one: whether one is in its sets does not
depend on any other. So after a change of a few it is asked again for those few only, and the
answer is the one that it would give for all (design decision 1).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from operator import is_
from typing import Generic, Self, TypeVar, cast

from pyroaring import BitMap, FrozenBitMap

from reconciler.model.times import UTC
from reconciler.observed.columns import micros
from reconciler.observed.fleet import Fleet
from reconciler.observed.part import AnyFleet, FleetPart

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
Sets = Mapping[K, FrozenBitMap]
Bits = BitMap | FrozenBitMap
Found = Mapping[K, Bits]
_MOST_STEPS = 8
_MOST_BOUNDS = 256
_FEW_SHARE = 8
_NOBODY = FrozenBitMap()


class Instants(Enum):
    """The columns whose age a function may ask for."""

    ENROLLED = "enrolled_at"
    CONTACT = "last_contact_at"
    SCAN = "last_scan_at"


class Identity(Generic[T]):
    """Stands for an object among inputs: equal while it is the very same one."""

    __slots__ = ("it",)
    __hash__ = object.__hash__

    def __init__(self, it: T) -> None:
        self.it = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and other.it is self.it


@dataclass(slots=True)
class _Entry:
    inputs: object
    step: int
    value: object
    among: tuple[Bits, ...]


class Memo:
    """What was computed for the last plans; one belongs to whoever makes plans again and again.

    A plan is the same with a memo and without. Between two calls of `begin` its `fleet` and `now`
    stand still.
    """

    def __init__(self) -> None:
        self.fleet = Fleet()
        self._given: list[object] = []
        self._version = 0
        self.now = datetime.min.replace(tzinfo=UTC)
        self._step = 0
        self._steps: deque[BitMap | None] = deque(maxlen=_MOST_STEPS)
        self._ages: set[tuple[Instants, timedelta]] = set()
        self._entries: dict[Hashable, _Entry] = {}
        self._parts: dict[int, FleetPart | None] = {}

    def begin(self, fleet: Fleet, now: datetime, *given: object) -> None:
        """Begin a plan: see who changed since the last one, by a message or by time alone.

        `given` is what every function may look at beside the fleet. Where one of these objects,
        or the fleet, is another than before, everything is computed anew.
        """
        same = [fleet, *given]
        if len(self._ages) > _MOST_BOUNDS or not _are_same(same, self._given):
            self.__init__()  # type: ignore[misc]  # nothing of it may be left
            self.fleet, self._given = fleet, same
        self._step += 1
        self._steps.append(self._changed(now))
        self._version, self.now = fleet.version, now
        self._parts.clear()
        oldest = self._step - _MOST_STEPS
        self._entries = {key: one for key, one in self._entries.items() if one.step > oldest}

    @classmethod
    def of(cls, fleet: Fleet, now: datetime) -> Self:
        """Give a memo that knows nothing yet, for one plan or one question."""
        memo = cls()
        memo.begin(fleet, now)
        return memo

    def older_than(self, column: Instants, age: timedelta) -> int:
        """Give the bound of an age, in microseconds; who passes it is looked at anew from now on.

        A kept function has to ask here for every bound that moves with the time.
        """
        self._ages.add((column, age))
        return micros(self.now - age)

    def members(
        self, key: Hashable, inputs: object, compute: Callable[[AnyFleet], Bits]
    ) -> FrozenBitMap:
        """Give the one set that a function of the fleet and the inputs finds."""
        return self.sets(key, inputs, lambda fleet: {"members": compute(fleet)})["members"]

    def sets(
        self, key: Hashable, inputs: object, compute: Callable[[AnyFleet], Found[K]], *among: Bits
    ) -> Sets[K]:
        """Give the named sets that a function of the fleet and the inputs finds.

        `among` are sets in which the function looks up each computer: where they changed since,
        it is asked again for those who joined or left. While nothing changed the answer is the
        very same object.
        """
        entry = self._entries.get(key)
        part = None
        if entry is not None and entry.inputs == inputs and len(entry.among) == len(among):
            part = self._part_since(entry.step, _moved(entry.among, among))
        if entry is None or part is None:
            known = _frozen(compute(self.fleet))
        else:
            known = cast("Sets[K]", entry.value)
            if part.among:
                known = _mended(known, compute(part), part.among)
        return self._keep(key, inputs, known, among)

    def value(self, key: Hashable, inputs: object, compute: Callable[[], T]) -> T:
        """Give what a function of the inputs alone gives."""
        entry = self._entries.get(key)
        if entry is None or entry.inputs != inputs:
            return self._keep(key, inputs, compute())
        entry.step = self._step
        return cast("T", entry.value)

    def _keep(self, key: Hashable, inputs: object, value: T, among: tuple[Bits, ...] = ()) -> T:
        self._entries[key] = _Entry(inputs, self._step, value, among)
        return value

    def _changed(self, now: datetime) -> BitMap | None:
        """Give who may be in other sets than at the last plan; nothing where that may be many."""
        changed = self.fleet.changed_since(self._version)
        if changed is None or self._step == 1:
            return None
        early, late = min(now, self.now), max(now, self.now)
        for column, age in self._ages if early < late else ():
            values = getattr(self.fleet, column.value)
            changed |= values.at_least(micros(early - age)) - values.above(micros(late - age))
        return changed if self._are_few(changed) else None

    def _changes_of(self, step: int) -> BitMap | None:
        return self._steps[step - self._step - 1]

    def _part_since(self, step: int, moved: BitMap) -> FleetPart | None:
        """Give those who changed since a step, and those who moved; nothing where too many did."""
        while step < self._step and self._changes_of(step + 1) == _NOBODY:
            step += 1
        if step not in self._parts:
            changes = [self._changes_of(one) for one in range(step + 1, self._step + 1)]
            known = [one for one in changes if one is not None]
            whole = len(known) == len(changes)
            changed = BitMap(BitMap.union(BitMap(), *known))
            self._parts[step] = FleetPart(self.fleet, changed) if whole else None
        part = self._parts[step]
        if part is None or not moved:
            return part
        among = moved | part.among
        return FleetPart(self.fleet, among) if self._are_few(among) else None

    def _are_few(self, who: BitMap) -> bool:
        return len(who) <= len(self.fleet.enrolled) // _FEW_SHARE


def _moved(before: Sequence[Bits], now: Sequence[Bits]) -> BitMap:
    """Give who joined or left a set."""
    moved = BitMap()
    for old, new in zip(before, now, strict=True):
        if old is not new:
            moved |= old ^ new
    return moved


def _are_same(first: Sequence[object], second: Sequence[object]) -> bool:
    """Tell whether both hold the very same objects."""
    return len(first) == len(second) and all(map(is_, first, second))


def _frozen(found: Found[K]) -> Sets[K]:
    return {name: FrozenBitMap(bits) for name, bits in found.items()}


def _mended(known: Sets[K], found: Found[K], among: BitMap) -> Sets[K]:
    """Take those who changed out of every set, and put them where they belong now."""
    mended = dict(known)
    for name in {**known, **found}:
        old, new = known.get(name, _NOBODY), found.get(name, _NOBODY)
        if (old & among) != new:
            mended[name] = FrozenBitMap((old - among) | new)
        if name not in found and not mended[name]:
            del mended[name]
    same = len(mended) == len(known) and all(mended[name] is known.get(name) for name in mended)
    return known if same else mended
