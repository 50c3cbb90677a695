"""The lines and comments of a YAML text, which the parser does not give."""

from __future__ import annotations

import re
from itertools import pairwise

import yaml

_BREAK = "\r\n\x85\u2028\u2029"
_LINE = re.compile(f"[^{_BREAK}]*(?:\r\n|[{_BREAK}])|[^{_BREAK}]+")
_COMMENT = re.compile(f"#[^{_BREAK}]*")
_HEADER = re.compile(f"[|>][-+0-9]*[ \t]+(#[^{_BREAK}]*)")


def lines_of(text: str) -> list[str]:
    """Give the lines with their breaks, by the breaks that YAML knows."""
    return _LINE.findall(text)


def comments_in(text: str) -> list[str]:
    """Give all comments, sorted: what begins with # between two tokens; raises YAMLError."""
    if "#" not in text:
        return []
    tokens = list(yaml.scan(text, Loader=yaml.CSafeLoader))
    found: list[str] = []
    for token, following in pairwise(tokens):
        gap = text[token.end_mark.index : following.start_mark.index]
        if "#" in gap:
            found += _COMMENT.findall(gap)
        if isinstance(token, yaml.ScalarToken) and token.style in {"|", ">"}:
            found += _HEADER.findall(text, token.start_mark.index, token.end_mark.index)[:1]
    return sorted(found)
