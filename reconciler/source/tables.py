"""CSV tables with the place of every field (RFC 4180)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from reconciler.desired.state import Cell, Placed, Table
from reconciler.desired.table_checks import path_beside
from reconciler.kinds.base import Document
from reconciler.kinds.collection_set import CollectionSet
from reconciler.model.codes import Code
from reconciler.model.problems import Location, Problem
from reconciler.source.documents import LARGEST_FILE

MOST_ROWS = 100_000
MOST_COLUMNS = 64
_FIELD = re.compile(r'(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[^",\r\n]*))(?P<end>,|\r?\n|\Z)')


def load_tables(
    documents: Iterable[Placed[Document]], files: Mapping[str, bytes]
) -> tuple[Mapping[str, Table], list[Problem]]:
    """Read the tables that collection sets name; a table that nobody names is left alone."""
    tables: dict[str, Table] = {}
    problems: list[Problem] = []
    for placed in documents:
        if not isinstance(placed.document, CollectionSet):
            continue
        name = placed.document.spec.table
        path = path_beside(placed.at, name)
        if path in tables:
            continue
        if path in files:
            found = parse_table(path, files[path])
        else:
            found = _missing(placed.locate(("spec", "table")), name)
        if isinstance(found, Table):
            tables[path] = found
        else:
            problems.append(found)
    return MappingProxyType(tables), problems


def _missing(at: Location, name: str) -> Problem:
    message = f'the table "{name}" is not beside the manifest'
    hint = "add it there as a regular file that .patchwrightignore does not name"
    return Problem(at, Code.TABLE_MISSING.value, message, hint)


class _RowsError(Exception):
    """A table is not CSV, or has too much of it."""

    def __init__(self, at: Location, message: str, hint: str) -> None:
        super().__init__(message)
        self.problem = Problem(at, Code.BAD_TABLE.value, message, hint)


def parse_table(path: str, content: bytes) -> Table | Problem:
    """Read a table whole, or say what is wrong with it."""
    if len(content) > LARGEST_FILE:
        message = "the table is larger than 4 MiB"
        return Problem(Location(path), Code.BAD_TABLE.value, message, "split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        return Problem(Location(path, line), Code.BAD_TABLE.value, message, "save as UTF-8")
    try:
        return Table(path, tuple(_rows(path, text)))
    except _RowsError as error:
        return error.problem


def _rows(path: str, text: str) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows that hold anything."""
    row: list[Cell] = []
    count = 0
    for cell, ends in _cells(path, text):
        row.append(cell)
        if len(row) > MOST_COLUMNS:
            message = f"the row has more than {MOST_COLUMNS} fields"
            raise _RowsError(cell.at, message, "tables have seven columns at most")
        if not ends:
            continue
        if any(one.text for one in row):
            count += 1
            if count > MOST_ROWS:
                message = f"the table has more than {MOST_ROWS:,} rows"
                raise _RowsError(row[0].at, message, "split it")
            yield tuple(row)
        row = []


def _cells(path: str, text: str) -> Iterator[tuple[Cell, bool]]:
    """Yield each field, stripped, and whether it ends its row."""
    at, line, line_start = 0, 1, 0
    while at < len(text):
        place = Location(path, line, at - line_start + 1)
        match = _FIELD.match(text, at)
        if match is None:
            hint = 'a field with quotes or commas is written in quotes, and quotes in it twice: ""'
            raise _RowsError(place, "the quotes of the field are wrong", hint)
        quoted = match["quoted"]
        value = match["plain"] if quoted is None else quoted.replace('""', '"')
        line += match.group().count("\n")
        if "\n" in match.group():
            line_start = match.start() + match.group().rindex("\n") + 1
        at = match.end()
        yield Cell(value.strip(), place), match["end"] != ","
    if text.endswith(","):
        yield Cell("", Location(path, line, at - line_start + 1)), True
