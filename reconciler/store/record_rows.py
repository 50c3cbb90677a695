"""Records as rows and as JSON: one table per type, its key in columns, the whole as a body."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar, cast

from pyroaring import FrozenBitMap
from sqlalchemy import RowMapping, Table

from reconciler.model.codec import encode
from reconciler.model.errors import StoreError
from reconciler.model.objects import Advertisement, ContentAssignment, Package, Program
from reconciler.model.rollouts import PhaseRecord, Release, SeenToken
from reconciler.model.times import parse_instant, render_instant
from reconciler.observed.memory import Membership, Record, key_of
from reconciler.store import schema
from reconciler.store.rows import Json, from_json, revive, to_json

R = TypeVar("R", bound=Record)

TABLES: Mapping[type[Any], Table] = {
    Release: schema.release,
    PhaseRecord: schema.phase,
    SeenToken: schema.resume_token,
    Membership: schema.membership,
    Package: schema.package,
    Program: schema.program,
    Advertisement: schema.advertisement,
    ContentAssignment: schema.content_assignment,
}
KINDS: Mapping[str, type[Any]] = {kind.__name__: kind for kind in TABLES}


def key_columns(record: Record) -> dict[str, str | int]:
    """Give the record's key by the names of its table's key columns."""
    names = [column.name for column in TABLES[type(record)].primary_key.columns]
    return dict(zip(names, key_of(record), strict=True))


def row_of(record: Record) -> dict[str, Any]:
    """Give the row that holds the record."""
    if isinstance(record, Membership):
        return key_columns(record) | {
            "members": record.members.serialize(),
            "entered_at": to_json(_entries(record)),
        }
    return key_columns(record) | {"body": to_json(encode(record))}


def record_of(kind: type[R], row: RowMapping) -> R:
    """Make the record of a row; StoreError where the row is damaged."""
    table = TABLES[kind]
    key = "/".join(str(row[column.name]) for column in table.primary_key.columns)
    where = f"{table.name} {key}"
    if kind is Membership:
        entries = from_json(row["entered_at"], where)
        return cast("R", _membership(dict(row), row["members"], entries, where))
    return revive(kind, from_json(row["body"], where), where)


def record_json(record: Record) -> Json:
    """Give the record as a JSON value, the members of a target as base64."""
    if isinstance(record, Membership):
        return key_columns(record) | {
            "members": b64encode(record.members.serialize()).decode(),
            "entered_at": _entries(record),
        }
    return encode(record)


def parse_record(kind: str, value: Json, where: str) -> Record:
    """Make the record that `record_json` wrote; StoreError where it is damaged."""
    if kind not in KINDS:
        raise StoreError(f"the stored {where} is of the unknown kind {kind!r}")
    if KINDS[kind] is Membership:
        return _membership(value, b64decode(value["members"]), value["entered_at"], where)
    return cast("Record", revive(KINDS[kind], value, where))


def _entries(record: Membership) -> dict[str, str]:
    return {str(ordinal): render_instant(at) for ordinal, at in record.entered_at.items()}


def _membership(
    key: Mapping[str, Any], members: bytes, entries: Mapping[str, str], where: str
) -> Membership:
    try:
        entered_at: Mapping[int, datetime] = {
            int(ordinal): parse_instant(at) for ordinal, at in entries.items()
        }
        bits = FrozenBitMap.deserialize(members)
    except ValueError as error:
        raise StoreError(f"the stored {where} cannot be read: {error}") from error
    return Membership(
        key["rollout"], key["release"], key["phase"], bits, MappingProxyType(entered_at)
    )
