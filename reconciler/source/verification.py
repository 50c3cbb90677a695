"""Whether a pinned key signed a commit or tag, as ssh-keygen and gpg say (S24).

Both run in a throwaway folder that holds the pinned keys alone, so that nothing which the
host's users configured or trust has a say.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.model.approvals import Vouching
from reconciler.model.errors import SourceError
from reconciler.source.signed_objects import OPENPGP_MARK, SSH_MARK, SignedObject
from reconciler.source.signers import Signers

_TIMEOUT_SECONDS = 30
_UNSIGNED = Vouching(refusal="it has no signature")
# Numbers that OpenPGP gives MD5, SHA-1 and RIPEMD-160: a collision is affordable.
_WEAK_HASHES = frozenset({"1", "2", "3"})
# `VALIDSIG fingerprint date time expires version reserved key-alg hash-alg class primary`
_HASH_FIELD, _PRIMARY_FIELD = 7, 9


class Verifier:
    """Judges signatures in a folder that holds the pinned keys."""

    def __init__(self, signers: Signers, folder: Path) -> None:
        """Write the keys down; raises SourceError where gpg cannot read them."""
        self._signers = signers
        self._folder = folder
        (folder / "allowed").write_text("".join(f"{one}\n" for one in signers.ssh))
        (folder / "revoked").write_text("".join(f"{one}\n" for one in signers.ssh_revoked))
        if signers.openpgp:
            (folder / "keyring").write_bytes(signers.keyring)
            done = self._gpg("--import", "keyring")
            if done.returncode:
                hint = "export the keys with `gpg --export --armor`"
                raise SourceError("the file of source.verify.openpgp_keys is no keyring", hint=hint)

    def verify(self, signed: SignedObject) -> Vouching:
        """Say who signed, or why the signature is worth nothing here."""
        if signed.fault:
            return Vouching(refusal=signed.fault)
        if not signed.signature:
            return _UNSIGNED
        (self._folder / "payload").write_bytes(signed.payload)
        (self._folder / "signature").write_bytes(signed.signature)
        if signed.signature.startswith(SSH_MARK):
            return self._verify_ssh(signed)
        if signed.signature.startswith(OPENPGP_MARK):
            return self._verify_openpgp()
        return Vouching(refusal="its signature is neither an SSH nor an OpenPGP one")

    def _verify_ssh(self, signed: SignedObject) -> Vouching:
        vouching = self._verify_ssh_at(signed, None)
        if vouching.accepted or signed.made_at is None:
            return vouching
        then = self._verify_ssh_at(signed, signed.made_at)
        if then.accepted:
            return Vouching(then.signer, _expired(then.signer), lapsed=True)
        return vouching

    def _verify_ssh_at(self, signed: SignedObject, at: datetime | None) -> Vouching:
        when = [] if at is None else [f"-Overify-time={at:%Y%m%d%H%M%S}"]
        known = ["-f", "allowed", "-s", "signature"]
        found = self._run(["ssh-keygen", "-Y", "find-principals", *known, *when])
        names = found.stdout.decode("utf-8", "replace").split("\n")[0].split(",")
        if found.returncode or not names[0]:
            return Vouching(refusal="its SSH signature is of no key that is pinned and valid")
        command = ["ssh-keygen", "-Y", "verify", "-n", "git", "-I", names[0], *known, *when]
        if self._run(command, signed.payload).returncode:
            refusal = f"its SSH signature, of {names[0]}, does not fit what it holds"
            return Vouching(refusal=refusal)
        if self._signers.ssh_revoked and self._is_revoked(command, signed.payload):
            return Vouching(refusal=f"its signature is of a revoked key of {names[0]}")
        return Vouching(signer=names[0])

    def _is_revoked(self, command: list[str], payload: bytes) -> bool:
        return self._run([*command, "-r", "revoked"], payload).returncode != 0

    def _verify_openpgp(self) -> Vouching:
        if not self._signers.openpgp:
            return Vouching(refusal="its OpenPGP signature is of no pinned key")
        done = self._gpg("--verify", "signature", "payload")
        return _judge_status(done.stdout.decode("utf-8", "replace"), self._signers)

    def _gpg(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        options = [
            "--no-options", "--homedir", str(self._folder), "--batch", "--no-tty", "--no-autostart",
            "--disable-dirmngr", "--no-auto-key-retrieve", "--trust-model", "always",
            "--status-fd", "1",
        ]  # fmt: skip
        return self._run(["gpg", *options, *arguments])

    def _run(self, command: list[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        program = shutil.which(command[0])
        if program is None:
            hint = f"install the program {command[0]}"
            raise SourceError("the signatures of the repository cannot be checked", hint=hint)
        home = str(self._folder)
        try:
            return subprocess.run(
                [program, *command[1:]],
                cwd=self._folder,
                env={"LC_ALL": "C", "TZ": "UTC", "HOME": home, "PATH": os.defpath},
                input=given,
                capture_output=True,
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SourceError(f"{command[0]} cannot check a signature: {error}") from error


@contextmanager
def make_verifier(signers: Signers) -> Iterator[Verifier]:
    """Give a verifier whose folder is removed at the end."""
    with TemporaryDirectory(prefix="patchwright-keys-") as name:
        yield Verifier(signers, Path(name))


def _expired(name: str) -> str:
    return f"its signature is of an expired key of {name}"


def _judge_status(status: str, signers: Signers) -> Vouching:
    """Judge what gpg says of one signature; of several none counts."""
    words = [line.removeprefix("[GNUPG:] ").split(" ") for line in status.splitlines()]
    told = {word[0]: word[1:] for word in words}
    if sum(word[0] == "NEWSIG" for word in words) > 1:
        return Vouching(refusal="it has more than one signature")
    if "BADSIG" in told:
        return Vouching(refusal="its OpenPGP signature does not fit what it holds")
    valid = told.get("VALIDSIG", [])
    name = _name(valid, signers)
    if not name:
        return Vouching(refusal="its OpenPGP signature is of no pinned key")
    if valid[_HASH_FIELD] in _WEAK_HASHES:
        return Vouching(refusal=f"its signature, of {name}, is over a weak digest")
    if "REVKEYSIG" in told:
        return Vouching(refusal=f"its signature is of a revoked key of {name}")
    if "GOODSIG" in told:
        return Vouching(signer=name)
    lapsed = "EXPKEYSIG" in told or "EXPSIG" in told
    return Vouching(name if lapsed else "", _expired(name), lapsed)


def _name(valid: list[str], signers: Signers) -> str:
    """Give the name of a key or subkey that signed; nothing where it is not pinned."""
    if len(valid) <= _PRIMARY_FIELD:
        return ""
    return signers.openpgp.get(valid[_PRIMARY_FIELD]) or signers.openpgp.get(valid[0], "")
