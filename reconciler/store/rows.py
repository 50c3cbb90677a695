"""How values lie in rows: upserts for both databases, JSON bodies, packed bodies."""

from __future__ import annotations

import json
import zlib
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Row, Table
from sqlalchemy.dialects import postgresql, sqlite

from reconciler.model.canonical import canonical_json
from reconciler.model.codec import decode
from reconciler.model.errors import StoreError

T = TypeVar("T")
Json: TypeAlias = Any
"""A JSON value of whatever shape."""

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
_FAST = 1  # a higher level makes rows a tenth smaller and takes three times as long

# Their own copies of one construct, which both databases spell alike.
Insert = sqlite.Insert | postgresql.Insert


def insert_into(table: Table, connection: Connection) -> Insert:
    """Begin an INSERT that may name what happens on a conflict."""
    return _insert(table, connection.dialect.name)


def upsert(table: Table, connection: Connection) -> Insert:
    """Make the INSERT that puts a row in place of the one with its primary key."""
    return _upsert(table, connection.dialect.name)


def _insert(table: Table, dialect: str) -> Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@lru_cache(maxsize=256)
def _upsert(table: Table, dialect: str) -> Insert:
    statement = _insert(table, dialect)
    rest = [column.name for column in table.columns if not column.primary_key]
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in rest},
    )


def to_json(value: Json) -> str:
    """Give a JSON value's one text."""
    return canonical_json(value).decode()


def pack(value: Json) -> bytes:
    """Give a JSON value's one text, compressed."""
    return zlib.compress(canonical_json(value), _FAST)


def from_json(text: str, where: str) -> Json:
    """Read a stored JSON text; `where` names the row in the StoreError of a damaged one."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise _damaged(where, error) from error


def unpack(body: bytes, where: str) -> Json:
    """Read a packed JSON value; `where` names the row in the StoreError of a damaged one."""
    try:
        return json.loads(zlib.decompress(body))
    except (ValueError, zlib.error) as error:
        raise _damaged(where, error) from error


def revive(kind: type[T], value: Json, where: str) -> T:
    """Make the dataclass of a stored JSON value, or raise a StoreError that names the row."""
    try:
        return decode(kind, value)
    except (ValueError, OverflowError) as error:
        raise _damaged(where, error) from error


def _damaged(where: str, error: Exception) -> StoreError:
    return StoreError(
        f"the stored {where} cannot be read: {error}",
        hint="restore the database from a backup, or run the release that wrote it",
    )
