"""Columns by ordinal: instants, and facts with one bitmap per value (design decision 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import numpy as np
from pyroaring import BitMap, FrozenBitMap

from reconciler.model.messages import FactValue
from reconciler.model.times import UTC

NEVER = np.iinfo(np.int64).min
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_ROOM = 1024
_ABSENT = -1


def micros(moment: datetime | None) -> int:
    """Give an aware instant as microseconds since 1970, and nothing as `NEVER`."""
    return int(NEVER) if moment is None else (moment - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    """Give the aware instant of microseconds since 1970."""
    return _EPOCH + value * _MICROSECOND


class IntColumn:
    """A growing column of 64-bit integers, `NEVER` where nothing was set."""

    def __init__(self) -> None:
        self._values = np.full(_FIRST_ROOM, NEVER, dtype=np.int64)
        self._size = 0

    def __setitem__(self, ordinal: int, value: int) -> None:
        while ordinal >= len(self._values):
            room = np.full(len(self._values), NEVER, dtype=np.int64)
            self._values = np.concatenate([self._values, room])
        self._size = max(self._size, ordinal + 1)
        self._values[ordinal] = value

    def __getitem__(self, ordinal: int) -> int:
        return int(self._values[ordinal]) if ordinal < self._size else int(NEVER)

    def at_least(self, bound: int) -> BitMap:
        """Give the ordinals whose value is the bound or above it."""
        return self._where(self._values[: self._size] >= bound)

    def above(self, bound: int) -> BitMap:
        """Give the ordinals whose value is above the bound."""
        return self._where(self._values[: self._size] > bound)

    def beyond(self, other: IntColumn) -> BitMap:
        """Give the ordinals whose value is above the one in another column."""
        size = max(self._size, other._size)
        mine, theirs = self._upto(size), other._upto(size)
        return self._where(mine > theirs)

    def _upto(self, size: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        missing = max(0, size - len(self._values))
        return np.concatenate([self._values, np.full(missing, NEVER)])[:size]

    @staticmethod
    def _where(chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> BitMap:
        return BitMap(np.flatnonzero(chosen).astype(np.uint32))


class FactColumn:
    """One fact of all computers, dictionary-encoded, with the bitmap of each value."""

    def __init__(self) -> None:
        self.present = BitMap()
        self._codes = IntColumn()
        self._code_of: dict[tuple[type, FactValue], int] = {}
        self._values: list[tuple[FactValue, BitMap]] = []

    def assign(self, ordinal: int, value: FactValue | None) -> None:
        """Give the computer this value, or take the fact from it."""
        old = self._codes[ordinal]
        if old >= 0:
            self._values[old][1].discard(ordinal)
        if value is None:
            self._codes[ordinal] = _ABSENT
            self.present.discard(ordinal)
            return
        code = self._encode(value)
        self._codes[ordinal] = code
        self._values[code][1].add(ordinal)
        self.present.add(ordinal)

    def value_of(self, ordinal: int) -> FactValue | None:
        """Give one computer's value."""
        code = self._codes[ordinal]
        return self._values[code][0] if code >= 0 else None

    def texts(self) -> tuple[str, ...]:
        """Give the text values that some computer has."""
        return tuple(value for value, bits in self._values if bits and isinstance(value, str))

    def parts(self) -> Iterator[tuple[FactValue, FrozenBitMap]]:
        """Give each value that some computer has, with who has it, in a fixed order."""
        held = [(value, bits) for value, bits in self._values if bits]
        for value, bits in sorted(held, key=lambda part: (type(part[0]).__name__, str(part[0]))):
            yield value, FrozenBitMap(bits)

    def having(self, text: str) -> FrozenBitMap:
        """Give the computers whose value is exactly this text."""
        code = self._code_of.get((str, text))
        return FrozenBitMap() if code is None else FrozenBitMap(self._values[code][1])

    def where(self, accepts: Callable[[FactValue], bool]) -> FrozenBitMap:
        """Give the computers whose value the predicate accepts; asked once per value."""
        chosen = [bits for value, bits in self._values if bits and accepts(value)]
        return FrozenBitMap(BitMap.union(*chosen)) if chosen else FrozenBitMap()

    def _encode(self, value: FactValue) -> int:
        # True == 1 == 1.0 in Python, yet they are facts of different types.
        key = (type(value), value)
        code = self._code_of.setdefault(key, len(self._values))
        if code == len(self._values):
            self._values.append((value, BitMap()))
        return code
