"""One fact of all computers: dictionary-encoded, with a bitmap per value where they are few."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap, FrozenBitMap

from reconciler.model.messages import FactValue
from reconciler.observed.order import Ordinals, array_of, bits_of

Codes: TypeAlias = NDArray[np.int32]
_ABSENT = -1
_FIRST_ROOM = 1024
_MOST_BITMAPS = 4096


class FactColumn:
    """Codes by ordinal into a list of values.

    The bitmaps of the values are made when first asked for and kept up to date from then on. A
    fact that differs on nearly every computer has none, or they would take more than the fleet.
    """

    def __init__(
        self,
        values: Iterable[FactValue] = (),
        codes: Codes | None = None,
        *,
        most: int = _MOST_BITMAPS,
    ) -> None:
        self._codes = np.full(_FIRST_ROOM, _ABSENT, dtype=np.int32) if codes is None else codes
        self._values = list(values)
        # True == 1 == 1.0 in Python, yet they are facts of different types.
        self._code_of = {(type(value), value): code for code, value in enumerate(self._values)}
        self._most = most
        self._bits: list[BitMap] | None = None
        self.present = bits_of(np.flatnonzero(self._codes >= 0))

    def assign(self, ordinal: int, value: FactValue | None) -> None:
        """Give the computer this value, or take the fact from it."""
        self._make_room(ordinal + 1)
        old = int(self._codes[ordinal])
        code = _ABSENT if value is None else self._encode(value)
        if code == old:
            return
        self._codes[ordinal] = code
        if code == _ABSENT:
            self.present.discard(ordinal)
        elif old == _ABSENT:
            self.present.add(ordinal)
        if self._bits is not None:
            self._move(ordinal, old, code)

    def value_of(self, ordinal: int) -> FactValue | None:
        """Give one computer's value."""
        code = int(self._codes[ordinal]) if ordinal < len(self._codes) else _ABSENT
        return self._values[code] if code >= 0 else None

    def texts(self) -> tuple[str, ...]:
        """Give the text values that some computer has."""
        return tuple(_texts(self._values[code] for code in np.flatnonzero(self._counts())))

    def parts(self) -> Iterator[tuple[FactValue, FrozenBitMap]]:
        """Give each value that some computer has, with who has it, in a fixed order."""
        held = [(self._values[code], code) for code in np.flatnonzero(self._counts()).tolist()]
        for value, code in sorted(held, key=lambda part: (type(part[0]).__name__, str(part[0]))):
            yield value, FrozenBitMap(self._of_codes([code]))

    def having(self, text: str) -> FrozenBitMap:
        """Give the computers whose value is exactly this text."""
        code = self._code_of.get((str, text))
        return FrozenBitMap() if code is None else FrozenBitMap(self._of_codes([code]))

    def where(self, accepts: Callable[[FactValue], bool]) -> FrozenBitMap:
        """Give the computers whose value the predicate accepts; asked once per value."""
        used = np.flatnonzero(self._counts()).tolist()
        return FrozenBitMap(self._of_codes([code for code in used if accepts(self._values[code])]))

    def among(self, ordinals: Ordinals) -> tuple[Ordinals, Codes, Sequence[FactValue]]:
        """Give those of the ordinals that have the fact, their codes, and the values by code."""
        inside = ordinals[ordinals < len(self._codes)]
        codes = self._codes[inside]
        return inside[codes >= 0], codes[codes >= 0], self._values

    def encoded(self) -> tuple[Sequence[FactValue], Codes]:
        """Give the values by code, and the codes by ordinal up to the last computer with any."""
        size = self.present.max() + 1 if self.present else 0
        return self._values, self._codes[:size]

    def _encode(self, value: FactValue) -> int:
        key = (type(value), value)
        code = self._code_of.setdefault(key, len(self._values))
        if code == len(self._values):
            self._values.append(value)
            if self._bits is not None:
                self._bits.append(BitMap())
        return code

    def _move(self, ordinal: int, old: int, code: int) -> None:
        if self._bits is None or len(self._bits) > self._most:
            self._bits = None
            return
        if old >= 0:
            self._bits[old].discard(ordinal)
        if code >= 0:
            self._bits[code].add(ordinal)

    def _counts(self) -> NDArray[np.int64]:
        if self._bits is not None:
            return np.fromiter(map(len, self._bits), np.int64, len(self._bits))
        codes = self._codes
        return np.bincount(codes[codes >= 0], minlength=len(self._values))

    def _of_codes(self, codes: Sequence[int]) -> BitMap:
        if len(self._values) <= self._most:
            bits = self._bitmaps()
            return BitMap.union(BitMap(), *(bits[code] for code in codes))
        # One place more, so that the code of an absent value finds no.
        accepted = np.zeros(len(self._values) + 1, dtype=np.bool_)
        accepted[list(codes)] = True
        return bits_of(np.flatnonzero(accepted[self._codes]))

    def _bitmaps(self) -> list[BitMap]:
        if self._bits is None:
            present = array_of(self.present)
            codes = self._codes[present].astype(np.int16)
            # Of 16-bit numbers the stable sort is a radix sort, and keeps ordinals in order.
            grouped = present[np.argsort(codes, kind="stable")]
            ends = np.cumsum(np.bincount(codes, minlength=len(self._values)))
            parts = np.split(grouped, ends[:-1]) if self._values else []
            self._bits = [bits_of(part) for part in parts]
        return self._bits

    def _make_room(self, size: int) -> None:
        if size > len(self._codes):
            room = np.full(max(size, 2 * len(self._codes), _FIRST_ROOM), _ABSENT, dtype=np.int32)
            room[: len(self._codes)] = self._codes
            self._codes = room


class FactPart:
    """A fact of some computers."""

    def __init__(self, column: FactColumn, ordinals: Ordinals) -> None:
        self._ordinals, self._codes, self._values = column.among(ordinals)
        self._used = sorted(set(self._codes.tolist()))
        self.present = bits_of(self._ordinals)

    def texts(self) -> tuple[str, ...]:
        """Give the text values that some of the computers have."""
        return tuple(_texts(self._values[code] for code in self._used))

    def having(self, text: str) -> FrozenBitMap:
        """Give those of the computers whose value is exactly this text."""
        return self.where(lambda value: type(value) is str and value == text)

    def where(self, accepts: Callable[[FactValue], bool]) -> FrozenBitMap:
        """Give those of the computers whose value the predicate accepts."""
        chosen = [code for code in self._used if accepts(self._values[code])]
        if not chosen:
            return FrozenBitMap()
        if len(chosen) == len(self._used):
            return FrozenBitMap(self.present)
        return FrozenBitMap(bits_of(self._ordinals[np.isin(self._codes, chosen)]))


def _texts(values: Iterable[FactValue]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str))
