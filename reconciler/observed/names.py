"""Computers by name; several may have one, of which at most one is enrolled as a rule."""

from __future__ import annotations

from collections.abc import Mapping

from pyroaring import BitMap


class Names:
    """Ordinals by name. Nearly every name has one, which then needs no bitmap."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self._one: dict[str, int] = {}
        self._more: dict[str, BitMap] = {}
        for ordinal, name in names.items():
            self.add(name, ordinal)

    def add(self, name: str, ordinal: int) -> None:
        """Note a computer's name."""
        first = self._one.setdefault(name, ordinal)
        if first != ordinal:
            self._more.setdefault(name, BitMap()).add(ordinal)

    def discard(self, name: str, ordinal: int) -> None:
        """Forget a computer's name."""
        others = self._more.get(name)
        if others is not None:
            others.discard(ordinal)
        if self._one.get(name) == ordinal:
            del self._one[name]

    def find(self, name: str) -> BitMap:
        """Give all who have the name."""
        found = BitMap(self._more.get(name, ()))
        if name in self._one:
            found.add(self._one[name])
        return found
