"""The entries of a block mapping in a given order, by moving whole lines.

Lines are never changed, so comments, anchors and blank lines survive. A comment or blank line
between two entries belongs to the one below it, unless it is indented deeper than the keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from yaml.nodes import MappingNode, Node, ScalarNode


class CannotOrderError(Exception):
    """The mapping is not laid out so that its lines can be moved."""


def is_ordered(node: MappingNode, order: Sequence[str]) -> bool:
    """Tell whether the mapping's keys already stand in the order."""
    ranks = [_rank(key, order) for key, _ in node.value]
    return ranks == sorted(ranks)


def reorder(
    lines: list[str], node: MappingNode, order: Sequence[str], end: int, *, headed: bool
) -> list[str]:
    """Give all lines with the mapping's entries in order; `end` is the line after the mapping.

    What stands above the first key stays there when the mapping is `headed`, else it moves with
    the key; what ends the mapping stays at its end. Raises CannotOrderError.
    """
    starts = _starts(lines, node)
    column = node.value[0][0].start_mark.column
    tops = [_top_of(lines, start, column) for start in starts]
    if headed:
        tops[0] = starts[0]
    tail = _top_of(lines, end, column)
    blocks = [lines[top:stop] for top, stop in pairwise([*tops, tail])]
    ranks = [_rank(key, order) for key, _ in node.value]
    chosen = sorted(range(len(blocks)), key=ranks.__getitem__)
    moved = [line for number in chosen for line in blocks[number]]
    return [*lines[: tops[0]], *moved, *lines[tail:]]


def _starts(lines: list[str], node: MappingNode) -> list[int]:
    """Give the line of each key, which must be alone before it."""
    if node.flow_style:
        raise CannotOrderError("its fields stand in braces")
    marks = [key.start_mark for key, _ in node.value]
    starts = [int(mark.line) for mark in marks]
    alone = all(not lines[mark.line][: mark.column].strip(" ") for mark in marks)
    if not alone or len(set(starts)) < len(starts) or len({mark.column for mark in marks}) > 1:
        raise CannotOrderError("not every field begins a line of its own")
    return starts


def _rank(key: Node, order: Sequence[str]) -> int:
    if not isinstance(key, ScalarNode) or key.value not in order:
        raise CannotOrderError("it has a field that the kind does not have")
    return order.index(key.value)


def _top_of(lines: list[str], start: int, column: int) -> int:
    """Give the first of the blank lines and comments that stand directly above a line."""
    top = start
    while top > 0 and _is_between(lines[top - 1], column):
        top -= 1
    return top


def _is_between(line: str, column: int) -> bool:
    text = line.strip()
    return not text or (text.startswith("#") and len(line) - len(line.lstrip(" ")) <= column)
