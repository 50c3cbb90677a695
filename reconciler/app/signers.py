"""The keys that a site's settings pin."""

from __future__ import annotations

from pathlib import Path

from reconciler.app.settings import VerifyTable
from reconciler.model.errors import SettingsError
from reconciler.source.signers import Signers, make_signers, with_recorders

_LARGEST_KEYRING = 1 << 20


def load_signers(folder: Path, table: VerifyTable) -> Signers:
    """Read the pinned keys; raises SettingsError."""
    keyring = b""
    if table.openpgp:
        if not table.openpgp_keys:
            message = "source.verify.openpgp names fingerprints, and openpgp_keys is missing"
            raise SettingsError(message, hint="export the keys to a file and name it")
        keyring = _read(folder / table.openpgp_keys)
    signers = make_signers(table.ssh, table.ssh_revoked, table.openpgp, keyring)
    return with_recorders(signers, table.recorders)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_KEYRING + 1)
    except OSError as error:
        message = f"source.verify.openpgp_keys: {path}: {error.strerror}"
        raise SettingsError(message, hint="name a file that the site may read") from error
    if len(content) > _LARGEST_KEYRING:
        raise SettingsError(f"{path} is larger than 1 MiB", hint="export the pinned keys alone")
    return content
