"""Who made a snapshot, and how old it is: checked before anything of it is unpacked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from reconciler.model.canonical import Json, canonical_json
from reconciler.model.errors import SnapshotError, StaleSnapshotError
from reconciler.model.times import parse_instant, render_duration, render_instant

SNAPSHOT_DOMAIN = b"patchwright.dev/snapshot/v1\n"
_SKEW = timedelta(minutes=5)

Seal = Callable[[bytes], str]
"""Signs a header's bytes as the site; gives the signature in hex."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What a snapshot has to be: of a site whose key is pinned, and not too old at `now`.

    `keys` are Ed25519 public keys in hex; without any, nobody is asked who made it.
    """

    now: datetime
    keys: frozenset[str] = frozenset()
    max_age: timedelta | None = None


def check_trust(header: Json, trust: Trust, where: str) -> None:
    """Refuse a header: SnapshotError where it is forged, StaleSnapshotError where it is old."""
    if trust.keys:
        _check_signature(header, trust.keys, where)
    _check_age(header, trust, where)


def _check_signature(header: Json, keys: frozenset[str], where: str) -> None:
    signature = header.get("signature")
    if not isinstance(signature, str):
        hint = "the site signs what `patchwright snapshot export` writes"
        raise SnapshotError(f"{where} is not signed, and a key is pinned", hint=hint)
    signed = SNAPSHOT_DOMAIN + canonical_json({**header, "signature": None})
    if not any(_is_good(key, signature, signed) for key in keys):
        hint = "`patchwright snapshot key` at the site prints its key"
        raise SnapshotError(f"{where} is not signed by the site whose key is pinned", hint=hint)


def _is_good(key: str, signature: str, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(
            bytes.fromhex(signature), signed
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def _check_age(header: Json, trust: Trust, where: str) -> None:
    exported_at = _exported_at(header, where)
    if exported_at > trust.now + _SKEW:
        told = render_instant(exported_at)
        hint = "check the clocks of the site and of this machine"
        raise SnapshotError(f"{where} says that it is of {told}, which is ahead", hint=hint)
    age = trust.now - exported_at
    if trust.max_age is not None and age > trust.max_age:
        hours = render_duration(timedelta(minutes=age // timedelta(minutes=1)))
        most = render_duration(trust.max_age)
        message = f"{where} is {hours} old, and at most {most} is accepted"
        raise StaleSnapshotError(message, hint="take a new one with `patchwright snapshot export`")


def _exported_at(header: Json, where: str) -> datetime:
    try:
        return parse_instant(header["exportedAt"])
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotError(f"{where} does not say when it was exported") from error
