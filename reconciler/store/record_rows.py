"""Records as rows of one table: type, key, and the whole as JSON."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

from pyroaring import FrozenBitMap

from reconciler.model.codec import encode
from reconciler.model.errors import StoreError
from reconciler.model.times import parse_instant, render_instant
from reconciler.observed.cohorts import Cohorts
from reconciler.observed.memory import TABLES, Membership, Record, key_of
from reconciler.observed.rolls import CollectionRoll
from reconciler.store.rows import Json, from_json, revive, to_json

R = TypeVar("R", bound=Record)
_Part = tuple[datetime, FrozenBitMap]
KINDS: Mapping[str, type[Any]] = {kind.__name__: kind for kind in TABLES}


def row_key(record: Record) -> dict[str, str]:
    """Give the columns of the row's key."""
    return {"kind": type(record).__name__, "key": to_json(list(key_of(record)))}


def row_of(record: Record) -> dict[str, str]:
    """Give the row that holds the record."""
    return row_key(record) | {"body": to_json(record_json(record))}


def record_of(kind: type[R], key: str, body: str) -> R:
    """Make the record of a row; StoreError where the row is damaged."""
    where = f"{kind.__name__} {key}"
    return cast("R", parse_record(kind.__name__, from_json(body, where), where))


def record_json(record: Record) -> Json:
    """Give the record as a JSON value, sets of computers as base64 of their bitmaps."""
    write = _WITH_BITS.get(type(record))
    return encode(record) if write is None else write[0](record)


def parse_record(kind: str, value: Json, where: str) -> Record:
    """Make the record that `record_json` wrote; StoreError where it is damaged."""
    if kind not in KINDS:
        raise StoreError(f"the stored {where} is of the unknown kind {kind!r}")
    read = _WITH_BITS.get(KINDS[kind])
    if read is None:
        return cast("Record", revive(KINDS[kind], value, where))
    try:
        return read[1](value)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"the stored {where} cannot be read: {error}") from error


def bits_text(bits: FrozenBitMap) -> str:
    """Give a bitmap as base64."""
    return b64encode(bits.serialize()).decode()


def parse_bits(text: str) -> FrozenBitMap:
    """Read what `bits_text` wrote; ValueError where it is none."""
    return FrozenBitMap.deserialize(b64decode(text, validate=True))


def _parts_json(parts: Iterable[_Part]) -> Json:
    return [[render_instant(moment), bits_text(who)] for moment, who in parts]


def _parse_parts(value: Json) -> tuple[_Part, ...]:
    return tuple((parse_instant(moment), parse_bits(who)) for moment, who in value)


def cohorts_json(cohorts: Cohorts) -> Json:
    """Give cohorts as a JSON value, oldest first."""
    return _parts_json(cohorts.parts)


def parse_cohorts(value: Json) -> Cohorts:
    """Read what `cohorts_json` wrote; ValueError where it is none."""
    return Cohorts(_parse_parts(value))


def _membership_json(record: Membership) -> Json:
    return {
        "rollout": record.rollout,
        "release": record.release,
        "phase": record.phase,
        "members": bits_text(record.members),
        "entered": cohorts_json(record.entered),
        "joined": cohorts_json(record.joined),
        "capped": cohorts_json(record.capped),
        "awaited": None if record.awaited is None else bits_text(record.awaited),
        "notedAt": record.noted_at and render_instant(record.noted_at),
    }


def _parse_membership(value: Json) -> Membership:
    awaited, noted_at = value.get("awaited"), value.get("notedAt")
    return Membership(
        rollout=value["rollout"],
        release=value["release"],
        phase=value["phase"],
        members=parse_bits(value["members"]),
        entered=parse_cohorts(value["entered"]),
        joined=parse_cohorts(value["joined"]),
        capped=parse_cohorts(value["capped"]),
        awaited=None if awaited is None else parse_bits(awaited),
        noted_at=None if noted_at is None else parse_instant(noted_at),
    )


def _roll_json(record: CollectionRoll) -> Json:
    return {
        "collection": record.collection,
        "digest": record.digest,
        "revisedAt": render_instant(record.revised_at),
        "members": bits_text(record.members),
        "flips": _parts_json(record.flips),
        "heldSince": record.held_since and render_instant(record.held_since),
    }


def _parse_roll(value: Json) -> CollectionRoll:
    held_since = value["heldSince"]
    return CollectionRoll(
        collection=value["collection"],
        digest=value["digest"],
        revised_at=parse_instant(value["revisedAt"]),
        members=parse_bits(value["members"]),
        flips=_parse_parts(value["flips"]),
        held_since=None if held_since is None else parse_instant(held_since),
    )


_WITH_BITS: Mapping[type[Any], tuple[Callable[[Any], Json], Callable[[Json], Record]]] = {
    Membership: (_membership_json, _parse_membership),
    CollectionRoll: (_roll_json, _parse_roll),
}
