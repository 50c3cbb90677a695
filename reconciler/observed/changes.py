"""Which computers changed, by a number that rises with every change."""

from __future__ import annotations

from collections import deque

from pyroaring import BitMap

_MOST_KEPT = 256
_MOST_ORDINALS = 1 << 17


class ChangeLog:
    """The latest changes: as many as fit into bounds, so that memory does not grow."""

    def __init__(self) -> None:
        self.version = 0
        self._kept: deque[BitMap] = deque()
        self._ordinals = 0

    def add(self, changed: BitMap) -> None:
        """Note one change of some computers."""
        self.version += 1
        self._kept.append(changed)
        self._ordinals += len(changed)
        while len(self._kept) > _MOST_KEPT or self._ordinals > _MOST_ORDINALS:
            self._ordinals -= len(self._kept.popleft())

    def since(self, version: int) -> BitMap | None:
        """Give who changed after that version; nothing where it is not known any more."""
        steps = self.version - version
        if not 0 <= steps <= len(self._kept):
            return None
        return BitMap(BitMap.union(BitMap(), *list(self._kept)[len(self._kept) - steps :]))
