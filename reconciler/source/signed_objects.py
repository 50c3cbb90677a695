"""Commits and tags as git stores them: what was signed, and the signature."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.times import UTC

LARGEST_OBJECT = 1 << 20
LARGEST_SIGNATURE = 64 * 1024
SSH_MARK, OPENPGP_MARK = b"-----BEGIN SSH SIGNATURE-----", b"-----BEGIN PGP SIGNATURE-----"
_BEGINS = re.compile(rb"^-----BEGIN (?:SSH|PGP) (?:SIGNATURE|MESSAGE)-----$", re.MULTILINE)
_TIME = re.compile(rb"^(?:committer|tagger) [^\n]*> ([0-9]{1,11}) [+-][0-9]{4}$", re.MULTILINE)
_TRAILER = re.compile(
    r"^(?:approved|reviewed)-by:[ \t]*(?:[^<\n]*<)?([^<>\s]+)>?[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SignedObject:
    """What a signature is over. `made_at` is the signer's own word; `fault` says what is odd."""

    payload: bytes
    signature: bytes
    made_at: datetime | None
    fault: str = ""

    @property
    def approvers(self) -> frozenset[str]:
        """The names of its trailers Approved-by and Reviewed-by, folded; none is proven yet."""
        message = self.payload.partition(b"\n\n")[2].decode("utf-8", "replace")
        return frozenset(name.casefold() for name in _TRAILER.findall(message))


def split_commit(raw: bytes) -> SignedObject:
    """Take a commit apart as git does: the payload is the commit without its signature."""
    head, between, message = raw.partition(b"\n\n")
    kept: list[bytes] = []
    signature: list[bytes] = []
    headers, inside = 0, False
    for line in head.split(b"\n"):
        if line.startswith(b"gpgsig "):
            headers, inside = headers + 1, True
            signature.append(line.removeprefix(b"gpgsig "))
        elif inside and line.startswith(b" "):
            signature.append(line[1:])
        else:
            inside = False
            headers += line.startswith(b"gpgsig-")
            kept.append(line)
    payload = b"\n".join(kept) + between + message
    whole = b"\n".join(signature) + b"\n" if signature else b""
    return _signed(payload, whole, "it has more than one signature" if headers > 1 else "")


def split_tag(raw: bytes, commit: str) -> SignedObject | None:
    """Take an annotated tag apart; None unless it names the commit itself."""
    if not raw.startswith(f"object {commit}\ntype commit\ntag ".encode()):
        return None
    found = _BEGINS.search(raw)
    if found is None:
        return _signed(raw, b"")
    return _signed(raw[: found.start()], raw[found.start() :])


def _signed(payload: bytes, signature: bytes, fault: str = "") -> SignedObject:
    head = payload.partition(b"\n\n")[0]
    if b"\0" in payload:
        fault = "it holds a NUL byte"
    if len(signature) > LARGEST_SIGNATURE:
        fault = "its signature is larger than 64 KiB"
    found = _TIME.search(head)
    made_at = datetime.fromtimestamp(int(found.group(1)), UTC) if found is not None else None
    return SignedObject(payload, signature, made_at, fault)
