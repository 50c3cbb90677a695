"""The last run of one release on the computers that ran it."""

from __future__ import annotations

import numpy as np
from pyroaring import BitMap

from reconciler.model.computers import Run, RunOutcome
from reconciler.observed.columns import NEVER, micros
from reconciler.observed.order import Flags, Ints, Ordinals, array_of, bits_of

FAILURES = frozenset({RunOutcome.FAILED, RunOutcome.TIMED_OUT})
_BEGAN, _ENDED = 0, 1
_MOST_FRESH = 1024
_FRESH_SHARE = 16
_MOST_KEPT = 8


class RunColumn:
    """Ordinals in order with their instants: as long as there are runs, not as the fleet.

    Newer values stand apart until they are many. What bounds were answered from the others is
    kept until then: plans ask for the same few instants again and again.
    """

    def __init__(
        self,
        ordinals: Ordinals | None = None,
        instants: Ints | None = None,
        failed: BitMap | None = None,
        *,
        most_fresh: int = _MOST_FRESH,
    ) -> None:
        self._ordinals = np.empty(0, np.uint32) if ordinals is None else ordinals
        self._instants = np.empty((2, 0), np.int64) if instants is None else instants
        self._who = bits_of(self._ordinals)
        self._fresh: dict[int, tuple[int, int]] = {}
        self._fresh_columns: tuple[Ordinals, Ints] | None = None
        self._kept: dict[tuple[int, int, bool], BitMap] = {}
        self.failed = BitMap() if failed is None else failed
        self._most_fresh = most_fresh
        self.began_at = RunInstants(self, _BEGAN)
        self.ended_at = RunInstants(self, _ENDED)

    def assign(self, ordinal: int, run: Run) -> None:
        """Keep the computer's last run."""
        self._put(ordinal, micros(run.began_at), micros(run.ended_at))
        self._who.add(ordinal)
        if run.outcome in FAILURES:
            self.failed.add(ordinal)
        else:
            self.failed.discard(ordinal)

    def forget(self, ordinal: int) -> None:
        """Forget the computer's last run."""
        if ordinal in self._who:
            self._put(ordinal, NEVER, NEVER)
            self.failed.discard(ordinal)
            self._who.discard(ordinal)

    def under_way(self) -> BitMap:
        """Give the computers on which a run began and has not ended."""
        ordinals, instants = self.encoded()
        return bits_of(ordinals[instants[_BEGAN] > instants[_ENDED]])

    def value(self, which: int, ordinal: int) -> int:
        """Give one instant of one computer."""
        if ordinal in self._fresh:
            return self._fresh[ordinal][which]
        if ordinal not in self._who:
            return NEVER
        # Another type of number would have the whole column copied to compare with.
        place = int(self._ordinals.searchsorted(self._ordinals.dtype.type(ordinal)))
        return int(self._instants[which, place])

    def take(self, which: int, ordinals: Ordinals) -> Ints:
        """Give one instant of each of these computers."""
        taken = np.full(len(ordinals), NEVER, dtype=np.int64)
        for mine, instants in ((self._ordinals, self._instants), self._fresh_arrays()):
            if len(mine):
                places = np.minimum(np.searchsorted(mine, ordinals), len(mine) - 1)
                known = mine[places] == ordinals
                taken[known] = instants[which, places[known]]
        return taken

    def beyond(self, which: int, bound: int, *, strictly: bool) -> BitMap:
        """Give who has an instant at the bound or later, or strictly later."""
        key = (which, bound, strictly)
        if key not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            flags = _later(self._instants[which], bound, strictly=strictly)
            self._kept[key] = bits_of(self._ordinals[flags])
        if not self._fresh:
            return BitMap(self._kept[key])
        ordinals, instants = self._fresh_arrays()
        flags = _later(instants[which], bound, strictly=strictly)
        return (self._kept[key] - bits_of(ordinals)) | bits_of(ordinals[flags])

    def encoded(self) -> tuple[Ordinals, Ints]:
        """Give all runs: ordinals in order, and the instants of begin and end."""
        self._merge()
        return self._ordinals, self._instants

    def _put(self, ordinal: int, began: int, ended: int) -> None:
        if (self.value(_BEGAN, ordinal), self.value(_ENDED, ordinal)) == (began, ended):
            return
        self._fresh[ordinal] = (began, ended)
        self._fresh_columns = None
        if len(self._fresh) > max(self._most_fresh, len(self._ordinals) // _FRESH_SHARE):
            self._merge()

    def _merge(self) -> None:
        if not self._fresh:
            return
        ordinals, instants = self._fresh_arrays()
        old = ~np.isin(self._ordinals, ordinals)
        merged = np.concatenate([self._ordinals[old], ordinals])
        values = np.concatenate([self._instants[:, old], instants], axis=1)
        ranked = np.argsort(merged, kind="stable")
        ranked = ranked[values[_BEGAN][ranked] != NEVER]
        self._ordinals, self._instants = merged[ranked], values[:, ranked]
        self._fresh, self._kept = {}, {}

    def _fresh_arrays(self) -> tuple[Ordinals, Ints]:
        if self._fresh_columns is None:
            rows = sorted(self._fresh.items())
            ordinals = np.array([ordinal for ordinal, _ in rows], dtype=np.uint32)
            self._fresh_columns = (
                ordinals,
                np.array([row for _, row in rows], dtype=np.int64).reshape(-1, 2).T,
            )
        return self._fresh_columns


class RunInstants:
    """When the runs of a release began, or ended; of all computers, or of some."""

    def __init__(self, runs: RunColumn, which: int, among: BitMap | None = None) -> None:
        self._runs = runs
        self._which = which
        self._among = among

    def __getitem__(self, ordinal: int) -> int:
        return self._runs.value(self._which, ordinal)

    def take(self, ordinals: Ordinals) -> Ints:
        """Give the instants of these ordinals, `NEVER` where there is none."""
        return self._runs.take(self._which, ordinals)

    def at_least(self, bound: int) -> BitMap:
        """Give the ordinals whose instant is the bound or later."""
        return self._beyond(bound, strictly=False)

    def above(self, bound: int) -> BitMap:
        """Give the ordinals whose instant is later than the bound."""
        return self._beyond(bound, strictly=True)

    def _beyond(self, bound: int, *, strictly: bool) -> BitMap:
        if self._among is None:
            return self._runs.beyond(self._which, bound, strictly=strictly)
        ordinals = array_of(self._among)
        return bits_of(ordinals[_later(self.take(ordinals), bound, strictly=strictly)])


class RunPart:
    """The runs of a release on some computers."""

    def __init__(self, runs: RunColumn, among: BitMap) -> None:
        self.failed = runs.failed & among
        self.began_at = RunInstants(runs, _BEGAN, among)
        self.ended_at = RunInstants(runs, _ENDED, among)


def _later(instants: Ints, bound: int, *, strictly: bool) -> Flags:
    return instants > bound if strictly else instants >= bound
