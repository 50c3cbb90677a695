"""The fleet's columns as the parts of a snapshot, and back; equal fleets give equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from reconciler.engine.redaction import Matching
from reconciler.model.canonical import Json, canonical_json
from reconciler.model.ids import shard_position
from reconciler.model.messages import FactValue
from reconciler.model.updates import UpdateState
from reconciler.observed.canonical_bits import canonical_bits, parse_bits
from reconciler.observed.columns import NEVER, IntColumn
from reconciler.observed.facts import FactColumn
from reconciler.observed.fleet import HALF_CIRCLE, KEPT_STATES, Columns, Fleet
from reconciler.observed.order import Ints, Ordinals
from reconciler.observed.runs import RunColumn

_INSTANTS = {
    "enrolledAt": "enrolled_at",
    "lastContactAt": "last_contact_at",
    "lastScanAt": "last_scan_at",
    "scanVersion": "scan_version",
}
_INTS, _ORDINALS, _CODES, _HASHES = "<i8", "<u4", "<i4", "<u8"
_LARGEST_ORDINAL = 1 << 26
_MOST_MEMORY = 4 << 30


class Blobs:
    """The binary parts of a snapshot, which its index names by their numbers."""

    def __init__(self, parts: Sequence[bytes] = ()) -> None:
        self.parts = list(parts)

    def add(self, part: bytes) -> int:
        """Keep a part; give its number."""
        self.parts.append(part)
        return len(self.parts) - 1

    def add_array(self, values: NDArray[Any], kind: str) -> int:
        """Keep numbers: first the lowest byte of each, then the next ones, which pack better."""
        width = np.dtype(kind).itemsize
        planes = values.astype(kind).view(np.uint8).reshape(len(values), width)
        return self.add(planes.T.tobytes())

    def array(self, number: int, kind: str, size: int | None = None) -> NDArray[Any]:
        """Give numbers again; raises ValueError where they are not as many as they should be."""
        planes = np.frombuffer(self.parts[number], dtype=np.uint8)
        found = planes.reshape(np.dtype(kind).itemsize, -1).T.copy().view(kind).reshape(-1)
        if size is not None and len(found) != size:
            message = f"part {number} holds {len(found)} numbers and not {size}"
            raise ValueError(message)
        return found.astype(np.dtype(kind).newbyteorder("="))

    def bits(self, number: int) -> BitMap:
        """Give a set again."""
        return parse_bits(self.parts[number])


def fleet_json(fleet: Fleet, blobs: Blobs, *, redacted: bool) -> Json:
    """Put the fleet into parts; what nobody has is left out.

    A redacted one has no true ids, from which shards follow; so it holds those.
    """
    known = sorted(fleet.ids)
    ordinals = np.array(known, dtype=np.uint32)
    return {
        "ordinals": blobs.add_array(ordinals, _ORDINALS),
        **_identity_json(fleet, ordinals, blobs, redacted=redacted),
        "names": [fleet.names[one] for one in known],
        "enrolled": blobs.add(canonical_bits(fleet.enrolled)),
        **{
            outside: blobs.add_array(getattr(fleet, inside).take(ordinals), _INTS)
            for outside, inside in _INSTANTS.items()
        },
        "facts": {
            name: _fact_json(column, ordinals, blobs)
            for name, column in sorted(fleet.facts.items())
            if column.present
        },
        "states": {
            state.value: {
                update: blobs.add(canonical_bits(bits))
                for update, bits in sorted(fleet.states[state].items())
                if bits
            }
            for state in KEPT_STATES
        },
        "runs": {
            release: found
            for release, column in sorted(fleet.runs.items())
            if (found := _runs_json(column, blobs))
        },
    }


def _identity_json(fleet: Fleet, ordinals: Ordinals, blobs: Blobs, *, redacted: bool) -> Json:
    if redacted:
        return {"shards": blobs.add_array(fleet.shard_position.take(ordinals), _INTS)}
    return {"ids": [fleet.ids[one] for one in ordinals.tolist()]}


def _parse_identity(value: Json, ordinals: Ordinals, blobs: Blobs) -> tuple[list[str], Ints]:
    if "shards" in value:
        ids = [f"{one:032x}" for one in ordinals.tolist()]
        return ids, blobs.array(value["shards"], _INTS, len(ordinals))
    ids = _texts(value["ids"], len(ordinals))
    return ids, np.array([shard_position(one) - HALF_CIRCLE for one in ids], dtype=np.int64)


def matching_json(matching: Matching | None, blobs: Blobs) -> Json:
    """Put the salted hashes of names into a part."""
    if matching is None:
        return None
    return {"salt": matching.salt.hex(), "hashes": blobs.add_array(matching.hashes, _HASHES)}


def parse_matching(value: Json, blobs: Blobs, fleet: Fleet) -> Matching | None:
    """Give the salted hashes of names again."""
    if value is None:
        return None
    ordinals = np.array(sorted(fleet.names), dtype=np.uint32)
    hashes = blobs.array(value["hashes"], _HASHES, len(ordinals))
    return Matching(bytes.fromhex(value["salt"]), hashes, ordinals)


def parse_fleet(value: Json, blobs: Blobs) -> Fleet:
    """Make the fleet again; raises ValueError, KeyError or TypeError where it is damaged."""
    ordinals = _ordinals(blobs.array(value["ordinals"], _ORDINALS))
    _check_memory(ordinals, len(value["facts"]))
    ids, positions = _parse_identity(value, ordinals, blobs)
    names = _texts(value["names"], len(ordinals))
    known = ordinals.tolist()
    columns = Columns(
        ids=dict(zip(known, ids, strict=True)),
        names=dict(zip(known, names, strict=True)),
        enrolled=blobs.bits(value["enrolled"]),
        shard_position=_column(ordinals, positions),
        facts={
            name: _parse_fact(one, ordinals, blobs) for name, one in sorted(value["facts"].items())
        },
        states={
            UpdateState(state): {update: blobs.bits(number) for update, number in sets.items()}
            for state, sets in value["states"].items()
        },
        runs={release: _parse_runs(one, blobs) for release, one in sorted(value["runs"].items())},
        **{
            inside: _column(ordinals, blobs.array(value[outside], _INTS, len(ordinals)))
            for outside, inside in _INSTANTS.items()
        },
    )
    return Fleet(columns=columns)


def _fact_json(column: FactColumn, ordinals: Ordinals, blobs: Blobs) -> Json:
    """Number the values in the order of their texts: in which they came does not matter."""
    inside, codes, values = column.among(ordinals)
    used = sorted(np.unique(codes).tolist(), key=lambda code: canonical_json(values[code]))
    renamed = np.full(len(values) + 1, -1, dtype=np.int32)
    renamed[used] = np.arange(len(used))
    told = np.full(len(ordinals), -1, dtype=np.int32)
    told[np.searchsorted(ordinals, inside)] = renamed[codes]
    return {"values": [values[code] for code in used], "codes": blobs.add_array(told, _CODES)}


def _parse_fact(value: Json, ordinals: Ordinals, blobs: Blobs) -> FactColumn:
    told = blobs.array(value["codes"], _CODES, len(ordinals))
    values = [_fact(one) for one in value["values"]]
    if len(told) and not -1 <= int(told.min()) <= int(told.max()) < len(values):
        message = "a fact has a code without a value"
        raise ValueError(message)
    codes = np.full(_size(ordinals), -1, dtype=np.int32)
    codes[ordinals] = told
    return FactColumn(values, codes)


def _fact(value: Json) -> FactValue:
    made = tuple(value) if isinstance(value, list) else value
    items = made if isinstance(made, tuple) else (made,)
    if not all(isinstance(one, str | int | float | bool) for one in items):
        message = f"{value!r:.80} is no value of a fact"
        raise ValueError(message)
    return made


def _runs_json(column: RunColumn, blobs: Blobs) -> Mapping[str, int]:
    ordinals, instants = column.encoded()
    if not len(ordinals):
        return {}
    return {
        "ordinals": blobs.add_array(ordinals, _ORDINALS),
        "began": blobs.add_array(instants[0], _INTS),
        "ended": blobs.add_array(instants[1], _INTS),
        "failed": blobs.add(canonical_bits(column.failed)),
    }


def _parse_runs(value: Json, blobs: Blobs) -> RunColumn:
    ordinals = _ordinals(blobs.array(value["ordinals"], _ORDINALS))
    instants = [blobs.array(value[name], _INTS, len(ordinals)) for name in ("began", "ended")]
    return RunColumn(ordinals, np.stack(instants), blobs.bits(value["failed"]))


def _column(ordinals: Ordinals, values: Ints) -> IntColumn:
    spread = np.full(_size(ordinals), NEVER, dtype=np.int64)
    spread[ordinals] = values
    return IntColumn(spread)


def _check_memory(ordinals: Ordinals, facts: int) -> None:
    """Refuse columns that are far larger than the file: each has a place for every ordinal."""
    columns = (len(_INSTANTS) + 1) * np.dtype(_INTS).itemsize + facts * np.dtype(_CODES).itemsize
    if _size(ordinals) * columns > _MOST_MEMORY:
        message = f"its fleet takes more memory than {_MOST_MEMORY >> 30} GiB"
        raise ValueError(message)


def _size(ordinals: Ordinals) -> int:
    return int(ordinals[-1]) + 1 if len(ordinals) else 0


def _ordinals(found: Ordinals) -> Ordinals:
    if len(found) and (np.any(found[1:] <= found[:-1]) or int(found[-1]) > _LARGEST_ORDINAL):
        message = "the computers' ordinals do not rise, or are too large"
        raise ValueError(message)
    return found


def _texts(value: Json, size: int) -> list[str]:
    if len(value) != size or not all(isinstance(one, str) for one in value):
        message = "there is not one text for every computer"
        raise ValueError(message)
    return list(value)
