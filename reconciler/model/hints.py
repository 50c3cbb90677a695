"""Hints for words that were mistyped."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

_MOST_COMPARED = 300_000


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give `did you mean "…"?` for the closest known word, or nothing when none is close."""
    by_fold = {candidate.lower(): candidate for candidate in sorted(known)}
    close = difflib.get_close_matches(word[:100].lower(), by_fold, n=1, cutoff=0.6)
    return f'did you mean "{by_fold[close[0]]}"?' if close else ""


class Hints:
    """Gives hints for many words while that is cheap, and one word its hint once.

    Comparing every mistyped word with every known one would take hours where both are many.
    """

    def __init__(self) -> None:
        self._left = _MOST_COMPARED
        self._given: dict[tuple[str, str], str] = {}

    def closest(self, what: str, word: str, known: Collection[str]) -> str:
        """Give the hint for a word among the known ones of its kind."""
        if (what, word) not in self._given:
            if len(known) > self._left:
                return ""
            self._left -= len(known)
            self._given[what, word] = did_you_mean(word, known)
        return self._given[what, word]
