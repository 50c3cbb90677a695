"""Columns of numbers and instants by ordinal, found again by value (design decision 1)."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from pyroaring import BitMap

from reconciler.model.times import UTC
from reconciler.observed.order import Flags, Ints, Order, Ordinals, array_of, bits_of, make_order

NEVER = int(np.iinfo(np.int64).min)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_ROOM = 1024
_WORTH_AN_ORDER = 4096
_CHANGED_SHARE = 32


def micros(moment: datetime | None) -> int:
    """Give an aware instant as microseconds since 1970, and nothing as `NEVER`."""
    return NEVER if moment is None else (moment - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    """Give the aware instant of microseconds since 1970."""
    return _EPOCH + value * _MICROSECOND


class IntColumn:
    """A growing column of 64-bit integers, `NEVER` where nothing was set.

    A long one keeps its values in order. Those that change since are looked at one by one, until
    they are too many and the order is made anew.
    """

    def __init__(self, values: Ints | None = None, *, worth: int = _WORTH_AN_ORDER) -> None:
        self._values = np.full(_FIRST_ROOM, NEVER, dtype=np.int64) if values is None else values
        self._size = 0 if values is None else len(values)
        self._worth = worth
        self._order: Order | None = None
        self._changed = BitMap()

    def __len__(self) -> int:
        return self._size

    def __setitem__(self, ordinal: int, value: int) -> None:
        self._make_room(ordinal + 1)
        if self._values[ordinal] != value:
            self._values[ordinal] = value
            if self._order is not None:
                self._changed.add(ordinal)

    def __getitem__(self, ordinal: int) -> int:
        return int(self._values[ordinal]) if ordinal < self._size else NEVER

    def assign(self, ordinals: Ordinals, values: Ints) -> None:
        """Set many values at once."""
        if len(ordinals):
            self._make_room(int(ordinals.max()) + 1)
            self._values[ordinals] = values
            if self._order is not None:
                self._changed |= BitMap(ordinals)

    def values(self) -> Ints:
        """Give all values by ordinal; the caller must not change them."""
        return self._values[: self._size]

    def take(self, ordinals: Ordinals) -> Ints:
        """Give the values of these ordinals."""
        if len(ordinals):
            self._make_room(int(ordinals.max()) + 1)
        taken: Ints = self._values[ordinals]
        return taken

    def at_least(self, bound: int) -> BitMap:
        """Give the ordinals whose value is the bound or above it."""
        return self._beyond(bound, strictly=False)

    def above(self, bound: int) -> BitMap:
        """Give the ordinals whose value is above the bound."""
        return self._beyond(bound, strictly=True)

    def _beyond(self, bound: int, *, strictly: bool) -> BitMap:
        if self._size < self._worth:
            values = self.values()
            return bits_of(np.flatnonzero(values > bound if strictly else values >= bound))
        found = self._ordered().beyond(bound, strictly=strictly)
        if not self._changed:
            return found
        ordinals = array_of(self._changed)
        now = self._values[ordinals]
        return (found - self._changed) | _chosen(
            ordinals, now > bound if strictly else now >= bound
        )

    def _ordered(self) -> Order:
        order = self._order
        if order is None or len(self._changed) > len(order.ordinals) // _CHANGED_SHARE:
            order = self._order = make_order(self.values())
            self._changed = BitMap()
        return order

    def _make_room(self, size: int) -> None:
        if size <= self._size:
            return
        if size > len(self._values):
            room = np.full(max(size, 2 * len(self._values), _FIRST_ROOM), NEVER, dtype=np.int64)
            room[: self._size] = self.values()
            self._values = room
        if self._order is not None:
            # What the order does not know counts as changed.
            self._changed |= BitMap(range(self._size, size))
        self._size = size


class IntPart:
    """Some computers' values of a column."""

    def __init__(self, column: IntColumn, ordinals: Ordinals) -> None:
        self._column = column
        self._ordinals = ordinals

    def __getitem__(self, ordinal: int) -> int:
        return self._column[ordinal]

    def take(self, ordinals: Ordinals) -> Ints:
        """Give the values of these ordinals."""
        return self._column.take(ordinals)

    def at_least(self, bound: int) -> BitMap:
        """Give those of the computers whose value is the bound or above it."""
        return _chosen(self._ordinals, self._column.take(self._ordinals) >= bound)

    def above(self, bound: int) -> BitMap:
        """Give those of the computers whose value is above the bound."""
        return _chosen(self._ordinals, self._column.take(self._ordinals) > bound)


def _chosen(ordinals: Ordinals, flags: Flags) -> BitMap:
    return bits_of(ordinals[flags])
