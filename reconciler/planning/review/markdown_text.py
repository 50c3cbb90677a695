"""Pieces of Markdown that no text can break out of."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

_LONGEST = 80
_BACKTICKS = re.compile("`+")
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_BAR = "¦"
_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000

Row = Sequence[str]


def code(text: str, longest: int = _LONGEST) -> str:
    """Show a text letter by letter, in one line and cut.

    In a code span nothing is a link, a mention, a reference or HTML. What would end the span or
    the cell of a table, and what cannot be seen or turns the direction, is replaced.
    """
    shown = "".join(" " if unicodedata.category(one) in _UNSEEN else one for one in text)
    shown = " ".join(shown.replace("|", _BAR).split())
    if not shown:
        return ""
    if len(shown) > longest:
        shown = shown[: longest - 1] + "…"
    runs = [len(run) for run in _BACKTICKS.findall(shown)]
    fence = "`" * (max(runs, default=0) + 1)
    pad = " " if "`" in shown else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def codes(texts: Sequence[str], most: int) -> str:
    """Show some texts, and how many more there are."""
    more = f" and {count(len(texts) - most)} more" if len(texts) > most else ""
    return ", ".join(code(text) for text in texts[:most]) + more


def count(number: int) -> str:
    """Write a number with its thousands apart."""
    return f"{number:,}"


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number of things."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def size(number: int) -> str:
    """Write bytes in the unit that leaves at most three digits before the point."""
    value, unit = float(number), 0
    while value >= _STEP and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    return f"{number} B" if not unit else f"{value:.1f} {_UNITS[unit]}"


def table(head: Row, rows: Sequence[Row], most: int) -> Iterator[str]:
    """Give a table's lines, numbers to the right, and how many rows are left out."""
    yield f"| {' | '.join(head)} |"
    numeric = [bool(rows) and all(_is_number(row[place]) for row in rows) for place in _range(head)]
    yield f"|{'|'.join('--:' if right else '---' for right in numeric)}|"
    for row in rows[:most]:
        yield f"| {' | '.join(row)} |"
    if len(rows) > most:
        yield ""
        yield f"{counted(len(rows) - most, 'row')} more: `-o json` has all of them."


def details(summary: str, lines: Sequence[str]) -> Iterator[str]:
    """Fold lines away; the summary is our own text."""
    if lines:
        yield f"<details><summary>{summary}</summary>"
        yield ""
        yield from lines
        yield ""
        yield "</details>"
        yield ""


def _range(head: Row) -> range:
    return range(len(head))


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").lstrip("+-").isdecimal() or not cell
