"""The site's own key: what it signs, agents believe."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from reconciler.engine.snapshot_trust import SNAPSHOT_DOMAIN
from reconciler.model.errors import SettingsError
from reconciler.model.policy import POLICY_DOMAIN, SignedPolicy

_LONGEST_KEY_FILE = 4096
_SECRET_BYTES = 32


class Signer:
    """Signs policies and snapshots with Ed25519, each under a name of its own."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes_raw().hex()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the key's PEM file; SettingsError where it is missing, open to others or no key."""
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                pem = file.read(_LONGEST_KEY_FILE)
        except OSError as error:
            raise SettingsError(
                f"the signing key {path} cannot be read: {error.strerror}",
                hint="make it with `patchwright site init`",
            ) from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(
                f"the signing key {path} is open to other users", hint=f"run `chmod 600 {path}`"
            )
        return cls(_parse_key(path, pem))

    @classmethod
    def load_or_make(cls, path: Path) -> Self:
        """Read the key, or make a new one in a file for its owner only."""
        if not path.exists():
            _write_new(path, Ed25519PrivateKey.generate())
        return cls.load(path)

    def sign(self, payload: bytes) -> SignedPolicy:
        """Sign a policy's payload, which must be UTF-8."""
        return SignedPolicy(payload.decode(), self._key.sign(POLICY_DOMAIN + payload).hex())

    def seal_snapshot(self, header: bytes) -> str:
        """Sign a snapshot's header; no policy can be made of that, and no snapshot of a policy."""
        return self._key.sign(SNAPSHOT_DOMAIN + header).hex()

    def derive(self, purpose: str) -> bytes:
        """Give a secret of the site for one purpose; it says nothing about the key."""
        secret = self._key.private_bytes_raw()
        return HKDF(SHA256(), _SECRET_BYTES, salt=None, info=purpose.encode()).derive(secret)


def _parse_key(path: Path, pem: bytes) -> Ed25519PrivateKey:
    hint = "restore it from a backup: agents trust only the key that they were enrolled with"
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"the signing key {path} is not a private key", hint=hint) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"the signing key {path} is not an Ed25519 key", hint=hint)
    return key


def _write_new(path: Path, key: Ed25519PrivateKey) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(descriptor)
            # A link fails where another process came first; a rename would take its key away.
            os.link(draft, path)
        finally:
            draft.unlink()
    except FileExistsError:
        return
    except OSError as error:
        raise SettingsError(
            f"the signing key {path} cannot be written: {error.strerror}",
            hint="check that its folder is there and may be written",
        ) from error
