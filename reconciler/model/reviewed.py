"""What a commit message says of the plan that was reviewed: its digest, and what that is of.

Both stand in lines of their own, as a trailer or wherever a forge puts them when it squashes:

    Patchwright-Plan: 64 hexadecimal digits
    Patchwright-Plan-Summary: letters and digits,
     which go on in indented lines
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import textwrap
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.canonical import Json, canonical_json, digest_of

PLAN_TRAILER = "Patchwright-Plan"
_SUMMARY_TRAILER = "Patchwright-Plan-Summary"
_LARGEST = 1 << 22
_WIDTH = 100
_DIGEST = re.compile(
    r"^[ \t]*Patchwright-Plan:[ \t]*([0-9a-f]{64})[ \t]*$", re.ASCII | re.IGNORECASE | re.MULTILINE
)
_SUMMARY = re.compile(
    r"^[ \t]*Patchwright-Plan-Summary:[ \t]*([\w-]+(?:\n[ \t]+[\w-]+)*)[ \t]*$",
    re.ASCII | re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class ReviewedPlan:
    """A plan that somebody says to have reviewed.

    `reviewed` is what the digest is of, where the message carries it; `step` is the number of
    the change on the branch that says so, from the last applied one on.
    """

    digest: str
    reviewed: Json = None
    step: int = 0


def write_reviewed(reviewed: Json) -> str:
    """Give the lines for a commit message that bind it to what was reviewed."""
    packed = base64.urlsafe_b64encode(zlib.compress(canonical_json(reviewed), 9)).decode()
    lines = textwrap.wrap(packed.rstrip("="), _WIDTH)
    summary = f"{_SUMMARY_TRAILER}: " + "\n ".join(lines)
    return f"{PLAN_TRAILER}: {digest_of(reviewed)}\n{summary}\n"


def find_reviewed(message: str, step: int = 0) -> Iterator[ReviewedPlan]:
    """Give what a commit message says was reviewed, the last first.

    A summary that is broken, or not what a digest of the message is of, counts as none.
    """
    known = {}
    message = message.replace("\r\n", "\n")
    for found in _SUMMARY.finditer(message):
        value = _unpack("".join(found.group(1).split()))
        if value is not None:
            known[digest_of(value)] = value
    digests = [found.group(1).lower() for found in _DIGEST.finditer(message)]
    for digest in dict.fromkeys(reversed(digests)):
        yield ReviewedPlan(digest, known.get(digest), step)


def _unpack(packed: str) -> Json:
    """Give the value, or nothing where the text is broken or unpacks to more than 4 MiB."""
    try:
        raw = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        reader = zlib.decompressobj()
        text = reader.decompress(raw, _LARGEST)
        return json.loads(text) if reader.eof else None
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        return None
