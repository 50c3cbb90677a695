"""Collections that tables make: every row checked, with its place (A1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import PurePosixPath

from pydantic import ValidationError

from reconciler.desired.state import Cell, DesiredState, Placed, Table
from reconciler.desired.window_checks import check_occurrence
from reconciler.kinds.collection_set import CollectionSet
from reconciler.kinds.maintenance_window import MaintenanceWindow
from reconciler.model.codes import Code
from reconciler.model.hints import did_you_mean
from reconciler.model.ids import LABEL
from reconciler.model.problems import Location, Problem

_REQUIRED = ("collection", "computer")
WINDOW_COLUMNS = ("recurrence", "start", "duration", "timezone")
COLUMNS = (*_REQUIRED, *WINDOW_COLUMNS, "owner")
_MOST_PROBLEMS = 100
Row = Mapping[str, Cell]
"""The cells of a row by the names of their columns."""


@dataclass(slots=True)
class _Seen:
    """What earlier rows said."""

    now: datetime
    windows: dict[str, tuple[tuple[str, ...], int]] = field(default_factory=dict)
    members: dict[tuple[str, str], int] = field(default_factory=dict)
    judged: set[tuple[str, ...]] = field(default_factory=set)


def path_beside(manifest: Location, name: str) -> str:
    """Give the path of a file in the folder of a manifest."""
    return str(PurePosixPath(manifest.path).with_name(name))


def table_path(placed: Placed[CollectionSet]) -> str:
    """Give the path of a set's table."""
    return path_beside(placed.at, placed.document.spec.table)


def table_collections(
    state: DesiredState, broken: frozenset[tuple[str, str]]
) -> frozenset[str] | None:
    """Give the collections that tables make, or nothing where that is not known."""
    tables = [state.tables.get(table_path(placed)) for placed in state.collection_sets.values()]
    whole = [table for table in tables if table is not None]
    if len(whole) < len(tables) or any(kind == "CollectionSet" for kind, _ in broken):
        return None
    rows = (row for table in whole for row in rows_of(table))
    return frozenset(row["collection"].text for row in rows if "collection" in row)


def window_of(row: Row) -> MaintenanceWindow | None:
    """Give the window that a row writes, if it writes any; ValidationError where it is none."""
    said = tuple(row[name].text if name in row else "" for name in WINDOW_COLUMNS)
    return _make_window(said) if any(said) else None


@lru_cache(maxsize=4096)
def _make_window(said: tuple[str, ...]) -> MaintenanceWindow:
    written = {name: text for name, text in zip(WINDOW_COLUMNS, said, strict=True) if text}
    return MaintenanceWindow.model_validate({"name": "table", **written}, by_alias=True)


def check_tables(state: DesiredState, now: datetime) -> Iterator[Problem]:
    """Tell what is wrong in the tables of collection sets, so many problems of each at most."""
    owners: dict[str, str] = {}
    makers: dict[str, str] = {}
    for placed in state.collection_sets.values():
        path = table_path(placed)
        if owners.setdefault(path, placed.name) != placed.name:
            message = f'the table of collection set "{owners[path]}" is named again'
            at = placed.locate(("spec", "table"))
            yield Problem(at, Code.DUPLICATE_NAME.value, message, "keep one of the two sets")
        elif path in state.tables:
            yield from islice(_table(state, state.tables[path], now), _MOST_PROBLEMS)
            yield from islice(_made_twice(state.tables[path], makers), _MOST_PROBLEMS)


def _table(state: DesiredState, table: Table, now: datetime) -> Iterator[Problem]:
    yield from _head(table)
    seen = _Seen(now)
    for row in rows_of(table):
        if row.keys() >= set(_REQUIRED):
            yield from _row(state, row, seen)


def _made_twice(table: Table, makers: dict[str, str]) -> Iterator[Problem]:
    """A collection is made by one table, in which all of its rows can be seen."""
    told: set[str] = set()
    for row in rows_of(table):
        cell = row.get("collection")
        if cell is not None and cell.text not in told:
            maker = makers.setdefault(cell.text, table.path)
            if maker != table.path:
                told.add(cell.text)
                message = f'collection "{cell.text:.80}" is already made by the table {maker}'
                yield Problem(cell.at, Code.DUPLICATE_NAME.value, message, "rename one of them")


def _head(table: Table) -> Iterator[Problem]:
    head = table.rows[0] if table.rows else ()
    names: set[str] = set()
    for cell in head:
        if cell.text not in COLUMNS or cell.text in names:
            twice = cell.text in names
            message = f"the column {cell.text!r:.80} {'stands twice' if twice else 'is not known'}"
            hint = did_you_mean(cell.text, COLUMNS) or f"columns are {', '.join(COLUMNS)}"
            yield Problem(cell.at, Code.BAD_COLUMN.value, message, hint)
        names.add(cell.text)
    missing = [name for name in _REQUIRED if name not in names]
    if missing:
        at = head[0].at if head else Location(table.path)
        message = f"the table has no column {' and no column '.join(missing)}"
        yield Problem(at, Code.BAD_COLUMN.value, message, "its first row names the columns")
    for row in table.rows[1:]:
        if len(row) != len(head):
            message = f"the row has {len(row)} fields, and the head {len(head)}"
            yield Problem(row[0].at, Code.BAD_ROW.value, message, "write an empty field as ,,")


def rows_of(table: Table) -> Iterator[Row]:
    """Yield the rows below the head that are as long as it, by column."""
    if table.rows:
        names = [cell.text for cell in table.rows[0]]
        for row in table.rows[1:]:
            if len(row) == len(names):
                yield dict(zip(names, row, strict=True))


def _row(state: DesiredState, row: Row, seen: _Seen) -> Iterator[Problem]:
    collection, computer = row["collection"], row["computer"]
    if LABEL.fullmatch(collection.text) is None:
        message = f"{collection.text!r:.80} is not the name of a collection"
        hint = "write 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit"
        yield Problem(collection.at, Code.BAD_ROW.value, message, hint)
    elif collection.text in state.collections:
        message = f'collection "{collection.text}" is already defined by a manifest'
        yield Problem(collection.at, Code.DUPLICATE_NAME.value, message, "rename one of them")
    if not computer.text or any(one.isspace() for one in computer.text):
        message = f"{computer.text!r:.80} is not the name of a computer"
        yield Problem(computer.at, Code.BAD_ROW.value, message, "write name or SITE/name")
    member = (collection.text, computer.text)
    first = seen.members.setdefault(member, computer.at.line)
    if first != computer.at.line:
        message = f'computer "{computer.text:.80}" is in the collection already, by line {first}'
        yield Problem(computer.at, Code.BAD_ROW.value, message, "take one of the rows out")
    yield from _window(row, seen)


def _window(row: Row, seen: _Seen) -> Iterator[Problem]:
    """All rows of a collection have one window: who needs another one is another collection."""
    said = tuple(row[name].text if name in row else "" for name in WINDOW_COLUMNS)
    collection = row["collection"]
    first, line = seen.windows.setdefault(collection.text, (said, collection.at.line))
    if first != said:
        name = next(name for name, a, b in zip(WINDOW_COLUMNS, first, said, strict=True) if a != b)
        message = f'collection "{collection.text:.80}" has another {name} in line {line}'
        hint = "give computers with another window a collection of their own"
        yield Problem(row[name].at, Code.BAD_ROW.value, message, hint)
    elif said not in seen.judged and any(said):
        seen.judged.add(said)
        yield from _judge(row, said, seen.now)


def _judge(row: Row, said: tuple[str, ...], now: datetime) -> Iterator[Problem]:
    written = {name for name, text in zip(WINDOW_COLUMNS, said, strict=True) if text}
    try:
        window = _make_window(said)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            context = detail.get("ctx", {})
            column = str(next(iter((*detail["loc"], *context.get("at", ()))), ""))
            if column not in written:
                # Tables have no column `end`: what a window without length lacks is duration.
                lacking = column if column in WINDOW_COLUMNS else "duration"
                message = f"the row has a window without {lacking}"
                yield Problem(row["collection"].at, Code.BAD_ROW.value, message, "write all of it")
                continue
            message = f"{column}: {context.get('message', detail['msg'])}"
            hint = str(context.get("hint", ""))
            yield Problem(row[column].at, Code.BAD_ROW.value, message, hint)
        return
    yield from check_occurrence(row["recurrence"].at, "the window", window, now)
