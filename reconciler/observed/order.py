"""The order of a column's values, kept so that a bound is found without looking at all of them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

Ints = NDArray[np.int64]
Ordinals = NDArray[np.uint32]
Flags = NDArray[np.bool_]
_CHUNKS = 128
_UINT32 = "I"


def bits_of(ordinals: NDArray[Any]) -> BitMap:
    """Give the bitmap of ordinals in rising order."""
    # Of an array of Python's own a bitmap is made nine times faster than of one of numpy.
    values = array(_UINT32)
    values.frombytes(ordinals.astype(np.uint32, copy=False).tobytes())
    return BitMap(values)


def array_of(bits: BitMap) -> Ordinals:
    """Give the ordinals of a bitmap in their order."""
    return np.frombuffer(bits.to_array(), dtype=np.uint32) if bits else np.empty(0, np.uint32)


@dataclass(frozen=True, slots=True)
class Order:
    """A column's ordinals cut into chunks of rising values, each chunk in order of ordinals.

    `lowest` has the least value of each chunk, `cuts` where it begins, and `above[n]` who is in
    chunk n or a later one. A bound is thus one stored bitmap and a look into one chunk.
    """

    ordinals: Ordinals
    values: Ints
    lowest: Ints
    cuts: tuple[int, ...]
    above: tuple[BitMap, ...]

    def beyond(self, bound: int, *, strictly: bool) -> BitMap:
        """Give who has the bound or more, or strictly more."""
        side: Literal["left", "right"] = "right" if strictly else "left"
        chunk = int(np.searchsorted(self.lowest, bound, side=side))
        part = slice(self.cuts[max(chunk - 1, 0)], self.cuts[chunk])
        values = self.values[part]
        chosen = values > bound if strictly else values >= bound
        return self.above[chunk] | bits_of(self.ordinals[part][chosen])


def make_order(values: Ints) -> Order:
    """Sort a column."""
    size = len(values)
    # Not the stable sort: this one is several times faster, and chunks are sorted by ordinals.
    ranked = np.argsort(values).astype(np.uint32)
    cuts = tuple(int(cut) for cut in np.linspace(0, size, min(_CHUNKS, size) + 1))
    lowest = values[ranked[np.array(cuts[:-1], dtype=np.int64)]] if size else values
    for begin, end in pairwise(cuts):
        ranked[begin:end].sort()
    return Order(ranked, values[ranked], lowest, cuts, _suffixes(ranked, cuts))


def _suffixes(ranked: Ordinals, cuts: tuple[int, ...]) -> tuple[BitMap, ...]:
    above = [BitMap()]
    for end, begin in pairwise(reversed(cuts)):
        above.append(above[-1] | bits_of(ranked[begin:end]))
    return tuple(reversed(above))
