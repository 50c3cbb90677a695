"""A fleet as named parts of bytes, and back: what a start-up reads in place of every record."""

from __future__ import annotations

import json
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from pyroaring import BitMap

from reconciler.model.messages import FactValue
from reconciler.model.updates import UpdateState
from reconciler.observed.columns import IntColumn
from reconciler.observed.facts import FactColumn
from reconciler.observed.fleet import Columns, Fleet
from reconciler.observed.runs import RunColumn

FORMAT = 1
"""Rises whenever older parts would be misread; those are then left alone."""

Part = tuple[str, bytes]
_NUMBERS = ("enrolled_at", "last_contact_at", "last_scan_at", "scan_version", "shard_position")
_FAST = 1
_COUNT = struct.Struct("<I")


def encode_fleet(fleet: Fleet) -> Iterator[Part]:
    """Give the parts one by one, so that nobody has to hold all of them."""
    ordinals = sorted(fleet.ids)
    yield "ordinals", BitMap(ordinals).serialize()
    yield "enrolled", fleet.enrolled.serialize()
    yield "ids", _pack_texts([fleet.ids[one] for one in ordinals])
    yield "names", _pack_texts([fleet.names[one] for one in ordinals])
    for name in _NUMBERS:
        yield f"number/{name}", getattr(fleet, name).values().tobytes()
    for name, fact in fleet.facts.items():
        values, codes = fact.encoded()
        texts = json.dumps(values).encode()
        yield f"fact/{name}", _join([_squeeze(texts), _squeeze(codes.tobytes())])
    for state, by_update in fleet.states.items():
        for update, bits in by_update.items():
            if bits:
                yield f"state/{state.value}/{update}", bits.serialize()
    for release, runs in fleet.runs.items():
        who, instants = runs.encoded()
        frames = [who.tobytes(), instants.tobytes(), runs.failed.serialize()]
        yield f"run/{release}", _join(frames)


def decode_fleet(parts: Iterable[Part]) -> Fleet:
    """Make the fleet of its parts; raises ValueError where some are missing or damaged."""
    kept: dict[str, bytes] = {}
    facts: dict[str, FactColumn] = {}
    runs: dict[str, RunColumn] = {}
    states: defaultdict[UpdateState, dict[str, BitMap]] = defaultdict(dict)
    for name, body in parts:
        kind, _, rest = name.partition("/")
        match kind:
            case "state":
                state, _, update = rest.partition("/")
                states[UpdateState(state)][update] = BitMap.deserialize(body)
            case "fact":
                facts[rest] = _fact(body)
            case "run":
                runs[rest] = _runs(body)
            case _:
                kept[name] = body
    try:
        return Fleet(columns=_columns(kept, facts, runs, states))
    except KeyError as error:
        message = f"the part {error} is missing"
        raise ValueError(message) from error


def _columns(
    kept: Mapping[str, bytes],
    facts: Mapping[str, FactColumn],
    runs: Mapping[str, RunColumn],
    states: Mapping[UpdateState, Mapping[str, BitMap]],
) -> Columns:
    ordinals = BitMap.deserialize(kept["ordinals"])
    return Columns(
        ids=dict(zip(ordinals, _unpack_texts(kept["ids"]), strict=True)),
        names=dict(zip(ordinals, _unpack_texts(kept["names"]), strict=True)),
        enrolled=BitMap.deserialize(kept["enrolled"]),
        facts=facts,
        states=states,
        runs=runs,
        **{name: _numbers(kept[f"number/{name}"]) for name in _NUMBERS},
    )


def _numbers(body: bytes) -> IntColumn:
    return IntColumn(np.frombuffer(body, dtype=np.int64).copy())


def _fact(body: bytes) -> FactColumn:
    texts, codes = (zlib.decompress(frame) for frame in _split(body))
    values = [_fact_value(value) for value in json.loads(texts)]
    return FactColumn(values, np.frombuffer(codes, dtype=np.int32).copy())


def _fact_value(value: FactValue | list[str]) -> FactValue:
    """A list of texts comes back from JSON as what it is not inside."""
    return tuple(value) if isinstance(value, list) else value


def _runs(body: bytes) -> RunColumn:
    ordinals, instants, failed = _split(body)
    return RunColumn(
        np.frombuffer(ordinals, dtype=np.uint32),
        np.frombuffer(instants, dtype=np.int64).reshape(2, -1),
        BitMap.deserialize(failed),
    )


def _pack_texts(texts: Sequence[str]) -> bytes:
    return _squeeze("\n".join(texts).encode())


def _unpack_texts(body: bytes) -> list[str]:
    text = zlib.decompress(body).decode()
    return text.split("\n") if text else []


def _squeeze(body: bytes) -> bytes:
    return zlib.compress(body, _FAST)


def _join(frames: Sequence[bytes]) -> bytes:
    return b"".join([_COUNT.pack(len(frame)) + frame for frame in frames])


def _split(body: bytes) -> list[bytes]:
    frames, place = [], 0
    while place < len(body):
        (length,) = _COUNT.unpack_from(body, place)
        place += _COUNT.size
        frames.append(body[place : place + length])
        place += length
    return frames
