"""Ids and digests: given once, never used again."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

SITE_CODE = re.compile(r"[A-Z][A-Z0-9]{2}", re.ASCII)
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LAST_OBJECT_NUMBER = 0xFFFFF
_SHARD_DOMAIN = "patchwright.dev/shard/v1\n"
_SPREAD_DOMAIN = "patchwright.dev/spread/v1\n"


def make_object_id(site_code: str, number: int) -> str:
    """Make the id of a package or an advertisement: site code and five hex digits."""
    if not 0 < number <= _LAST_OBJECT_NUMBER:
        message = f"object number {number} does not fit in five hex digits"
        raise ValueError(message)
    return f"{site_code}{number:05X}"


def sha256_hex(content: bytes) -> str:
    """Give the SHA-256 of the bytes in lower-case hex."""
    return hashlib.sha256(content).hexdigest()


def unit_interval_position(domain: str) -> int:
    """Give the first 8 bytes, big-endian, of the text's SHA-256: u times 2^64 (S5, S17)."""
    return int.from_bytes(hashlib.sha256(domain.encode()).digest()[:8], "big")


def shard_position(computer_id: str) -> int:
    """Give a computer's place on the circle of 2^64 that shards divide evenly (S5)."""
    return unit_interval_position(_SHARD_DOMAIN + computer_id)


def spread_offset(rollout: str, phase: str, computer_id: str, spread: timedelta) -> timedelta:
    """Give a computer's share of a phase's spread, from nothing to just below the whole (S17)."""
    position = unit_interval_position(f"{_SPREAD_DOMAIN}{rollout}\n{phase}\n{computer_id}")
    whole = spread // timedelta(microseconds=1)
    return timedelta(microseconds=position * whole >> 64)


PACKAGE_FACT, SOFTWARE_FACT = "package.", "software."
"""What facts of the inventory begin with; then a package's name, or a program's path, follows."""
