"""The documents of a file as pieces of its text, which together are the file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from reconciler.source.comments import lines_of
from reconciler.source.composing import compose


def document_bounds(text: str, lines: Sequence[str]) -> list[int]:
    """Give the lines where documents begin with their markers, and the line after the last.

    Raises yaml.YAMLError.
    """
    roots = [int(root.start_mark.line) for root in compose(text)]
    return [0, *(marker_after(lines, start, ("---",)) for start in roots[:-1]), len(lines)]


def marker_after(lines: Sequence[str], start: int, markers: tuple[str, ...]) -> int:
    """Give the next line below that begins with a marker, or the line after the last."""
    behind = range(start + 1, len(lines))
    return next((at for at in behind if lines[at].startswith(markers)), len(lines))


def split_documents(text: str) -> list[str]:
    """Give each document's text, with what stands above it; raises yaml.YAMLError."""
    lines = lines_of(text)
    return ["".join(lines[first:end]) for first, end in pairwise(document_bounds(text, lines))]
