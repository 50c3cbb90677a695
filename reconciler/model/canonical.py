"""One byte form for every JSON value, so that equal values have equal digests (S25)."""

from __future__ import annotations

import json
from typing import Any

from reconciler.model.ids import sha256_hex

Json = Any
"""A JSON value: what `json.loads` gives."""


def canonical_json(value: Json) -> bytes:
    """Encode JSON with sorted keys, no spaces, as UTF-8; NaN is refused."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def digest_of(value: Json) -> str:
    """Give the SHA-256 of a JSON value's canonical form."""
    return sha256_hex(canonical_json(value))
