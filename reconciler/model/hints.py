"""Hints for words that were mistyped."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give `did you mean "…"?` for the closest known word, or nothing when none is close."""
    by_fold = {candidate.lower(): candidate for candidate in sorted(known)}
    close = difflib.get_close_matches(word[:100].lower(), by_fold, n=1, cutoff=0.6)
    return f'did you mean "{by_fold[close[0]]}"?' if close else ""
