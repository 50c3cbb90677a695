"""One byte form for equal sets of computers, however they came about."""

from __future__ import annotations

from pyroaring import BitMap, FrozenBitMap

from reconciler.observed.order import array_of, bits_of


def canonical_bits(bits: BitMap | FrozenBitMap) -> bytes:
    """Serialize a set; a bitmap's own bytes tell of the operations that made it."""
    made = bits_of(array_of(BitMap(bits)))
    made.run_optimize()
    return made.serialize()


def parse_bits(content: bytes) -> BitMap:
    """Read what `canonical_bits` wrote; raises ValueError where it is none."""
    return bits_of(array_of(BitMap.deserialize(content)))
