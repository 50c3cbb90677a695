"""A throwaway OpenPGP key, with a gpg home and an agent of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Self

from reconciler.demo.commands import run, run_or_raise

_SIGNER = "Patchwright Lab archive <archive@patchwright.invalid>"


class SigningKey:
    """Signs until it is closed, which stops the gpg agent and destroys the key."""

    def __init__(self) -> None:
        # A short path outside the repository: the socket of the gpg agent must fit in 107
        # bytes, and a private key must not lie where files are served from.
        self._home = Path(mkdtemp(prefix="patchwright-gpg-"))
        self._environment = {"GNUPGHOME": str(self._home)}
        self._gpg("--passphrase", "", "--quick-generate-key", _SIGNER, "ed25519", "sign", "never")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """May be repeated."""
        if self._home.exists():
            run(["gpgconf", "--kill", "all"], environment=self._environment)
            shutil.rmtree(self._home, ignore_errors=True)

    def export(self, keyring: Path) -> None:
        """Write the public key in the binary form that `signed-by` reads."""
        self._gpg("--output", keyring, "--export")

    def sign_inline(self, file: Path, target: Path) -> None:
        self._gpg("--output", target, "--clear-sign", file)

    def sign_detached(self, file: Path, target: Path) -> None:
        self._gpg("--output", target, "--armor", "--detach-sign", file)

    def _gpg(self, *arguments: str | Path) -> None:
        command = ["gpg", "--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", *arguments]
        run_or_raise(command, environment=self._environment)
