"""Kinds in the words of messages."""

from __future__ import annotations

import re
from functools import cache

_INNER_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@cache
def word_for(kind: str) -> str:
    """Write `UpdateGroup` as `update group`."""
    return _INNER_CAPITAL.sub(" ", kind).lower()


def words_for(kind: str) -> str:
    """Write `UpdateGroup` as `update groups`."""
    word = word_for(kind)
    return f"{word.removesuffix('y')}ies" if word.endswith("y") else f"{word}s"
