"""Sets of computers that pure functions gave, kept while what they were made from stands.

A function that may be kept looks at computers one by one: whether one is in its sets does not
depend on any other. So after a change of a few it is asked again for those few only, and the
answer is the one that it would give for all (design decision 1). Those few are whoever messages
told of, whoever passed a bound in time that this very function asked for, and whoever joined or
left a set that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import is_
from typing import Generic, Self, TypeVar, cast

from pyroaring import BitMap, FrozenBitMap

from reconciler.observed.columns import micros
from reconciler.observed.fleet import Fleet
from reconciler.observed.part import AnyFleet
from reconciler.observed.steps import MOST_STEPS, Age, Ages, Instants, Steps

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
Sets = Mapping[K, FrozenBitMap]
Bits = BitMap | FrozenBitMap
Found = Mapping[K, Bits]
_NOBODY = FrozenBitMap()


class Identity(Generic[T]):
    """Stands for an object among inputs or in a key: equal while it is the very same one."""

    __slots__ = ("it",)

    def __init__(self, it: T) -> None:
        self.it = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and other.it is self.it

    def __hash__(self) -> int:
        return id(self.it)


@dataclass(slots=True)
class _Entry:
    inputs: object
    step: int
    value: object
    among: tuple[Bits, ...] = ()
    ages: Ages = frozenset()


class Memo:
    """What was computed for the last plans; one belongs to whoever makes plans again and again.

    A plan is the same with a memo and without. Between two calls of `begin` its `fleet` and `now`
    stand still.
    """

    def __init__(self) -> None:
        self._given: list[object] = []
        self._steps = Steps(Fleet())
        self._entries: dict[Hashable, _Entry] = {}
        self._asked: list[set[Age]] = []

    @property
    def fleet(self) -> Fleet:
        """The fleet of this plan."""
        return self._steps.fleet

    @property
    def now(self) -> datetime:
        """The instant of this plan."""
        return self._steps.now

    def begin(self, fleet: Fleet, now: datetime, *given: object) -> None:
        """Begin a plan: see who changed since the last one, by a message or by time alone.

        `given` is what every function may look at beside the fleet. Where one of these objects,
        or the fleet, is another than before, everything is computed anew.
        """
        same = [fleet, *given]
        if self._steps.are_too_many or not _are_same(same, self._given):
            self.__init__()  # type: ignore[misc]  # nothing of it may be left
            self._steps, self._given = Steps(fleet), same
        before = self._steps.number
        self._steps.go_on(now)
        if self._steps.number // MOST_STEPS > before // MOST_STEPS:
            self._forget(before - MOST_STEPS)

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
        self._steps.watch((column, age))
        self._note([(column, age)])
        return micros(self.now - age)

    def members(
        self, key: Hashable, inputs: object, compute: Callable[[AnyFleet], Bits]
    ) -> FrozenBitMap:
        """Give the one set that a function of the fleet and the inputs finds."""
        return self.sets(key, inputs, lambda fleet: {"members": compute(fleet)})["members"]

    def sets(
        self,
        key: Hashable,
        inputs: object,
        compute: Callable[[AnyFleet], Found[K]],
        *among: Bits,
        within: bool = False,
    ) -> Sets[K]:
        """Give the named sets that a function of the fleet and the inputs finds.

        `among` are sets in which the function looks up each computer: where they changed since,
        it is asked again for those who joined or left. With `within` it finds only computers of
        the first of them, and need not be asked for others. While nothing changed the answer is
        the very same object.
        """
        entry = self._entries.get(key)
        part = None
        if entry is not None and entry.inputs == inputs and len(entry.among) == len(among):
            part = self._steps.part_since(entry.step, entry.ages, _moved(entry.among, among))
        if entry is None or part is None:
            found, ages = self._ask(compute, self.fleet)
            known = _frozen(found)
        else:
            known, ages = cast("Sets[K]", entry.value), entry.ages
            if _are_concerned(part.among, entry.among, among, within=within):
                found, more = self._ask(compute, part)
                known, ages = _mended(known, found, part.among), ages | more
        self._note(ages)
        self._entries[key] = _Entry(inputs, self._steps.number, known, among, ages)
        return known

    def value(self, key: Hashable, inputs: object, compute: Callable[[], T]) -> T:
        """Give what a function of the inputs alone gives."""
        entry = self._entries.get(key)
        if entry is None or entry.inputs != inputs:
            entry = self._entries[key] = _Entry(inputs, 0, compute())
        entry.step = self._steps.number
        return cast("T", entry.value)

    def are_equal(self, key: Hashable, first: FrozenBitMap, second: FrozenBitMap) -> bool:
        """Compare two sets, once while they are the same objects."""
        return self.value(key, (Identity(first), Identity(second)), lambda: first == second)

    def _ask(self, compute: Callable[[AnyFleet], T], fleet: AnyFleet) -> tuple[T, Ages]:
        """Have a function compute; give the ages as well that it or one inside it asked for."""
        asked: set[Age] = set()
        self._asked.append(asked)
        try:
            return compute(fleet), frozenset(asked)
        finally:
            self._asked.pop()

    def _note(self, ages: Iterable[Age]) -> None:
        if self._asked:
            self._asked[-1].update(ages)

    def _forget(self, step: int) -> None:
        """Forget what no plan has asked for since the step."""
        self._entries = {key: one for key, one in self._entries.items() if one.step > step}


def _moved(before: Sequence[Bits], now: Sequence[Bits]) -> BitMap:
    """Give who joined or left a set."""
    moved = BitMap()
    for old, new in zip(before, now, strict=True):
        if old is not new:
            moved |= old ^ new
    return moved


def _are_concerned(
    who: BitMap, before: Sequence[Bits], now: Sequence[Bits], *, within: bool
) -> bool:
    """Tell whether a function has to be asked for some of them."""
    if within:
        return who.intersect(before[0]) or who.intersect(now[0])
    return bool(who)


def _are_same(first: Sequence[object], second: Sequence[object]) -> bool:
    """Tell whether both hold the very same objects."""
    return len(first) == len(second) and all(map(is_, first, second))


def _frozen(found: Found[K]) -> Sets[K]:
    return {name: _freeze(bits) for name, bits in found.items()}


def _freeze(bits: Bits) -> FrozenBitMap:
    return bits if isinstance(bits, FrozenBitMap) else FrozenBitMap(bits)


def _mended(known: Sets[K], found: Found[K], among: BitMap) -> Sets[K]:
    """Take those who changed out of every set, and put them where they belong now."""
    mended: dict[K, FrozenBitMap] = {}
    for name, old in known.items():
        new = found.get(name, _NOBODY)
        if new or old.intersect(among):
            came_or_left = (old & among) ^ new
            if came_or_left:
                mended[name] = old ^ came_or_left
    mended |= {name: _freeze(bits) for name, bits in found.items() if name not in known}
    if not mended:
        return known
    whole = {**known, **mended}
    return {name: bits for name, bits in whole.items() if bits or name in found}
