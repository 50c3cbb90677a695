"""Check who signed an archive's index, with gpgv and the keyrings that are trusted for it."""

from __future__ import annotations

import base64
import binascii
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.model.errors import CatalogError

_TIMEOUT_SECONDS = 30
_KEYRING_LIMIT = 16 * 1024 * 1024
_LAST_LINES = 3
_BEGIN, _END = "-----BEGIN PGP SIGNED MESSAGE-----", "-----END PGP SIGNATURE-----"
_ARMOR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\s*\n(?:\S+: .*\n)*\s*\n(.*?)"
    rb"(?:\n=[A-Za-z0-9+/]{4})?\s*-----END PGP PUBLIC KEY BLOCK-----",
    re.DOTALL,
)
# Numbers that OpenPGP gives MD5, SHA-1 and RIPEMD-160: a collision is affordable.
_WEAK_HASHES = frozenset({"1", "2", "3"})
# `VALIDSIG fingerprint date time expires version reserved key-algorithm hash-algorithm class`
_HASH_FIELD = 7


def system_keyrings() -> tuple[Path, ...]:
    """Give the keyrings that this host's apt trusts for every archive."""
    archive = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    trusted = Path("/etc/apt/trusted.gpg.d")
    found = (archive, *sorted(trusted.glob("*.gpg")), *sorted(trusted.glob("*.asc")))
    return tuple(path for path in found if path.is_file())


def open_signed(signed: bytes, keyrings: Sequence[Path], where: str) -> str:
    """Give the text of a clear-signed file; CatalogError unless a key of the keyrings signed it.

    The text is what gpgv itself took as signed, never what stands around it.
    """
    marks = _decode(signed, where).strip()
    if not marks.startswith(_BEGIN) or marks.find(_END) + len(_END) != len(marks):
        raise CatalogError(f"{where} is no signed message", hint="check the source's location")
    with TemporaryDirectory(prefix="patchwright-gpgv-") as name:
        folder = Path(name)
        (folder / "message").write_bytes(signed)
        _verify(["--output", "text", "message"], folder, keyrings, where)
        return _decode((folder / "text").read_bytes(), where)


def check_detached(content: bytes, signature: bytes, keyrings: Sequence[Path], where: str) -> str:
    """Give a file's text; CatalogError unless the detached signature is of the keyrings."""
    with TemporaryDirectory(prefix="patchwright-gpgv-") as name:
        folder = Path(name)
        (folder / "message").write_bytes(content)
        (folder / "signature").write_bytes(signature)
        _verify(["signature", "message"], folder, keyrings, where)
        return _decode(content, where)


def _verify(arguments: Sequence[str], folder: Path, keyrings: Sequence[Path], where: str) -> None:
    gpgv = shutil.which("gpgv")
    if gpgv is None:
        raise CatalogError(f"{where} cannot be checked: there is no gpgv", hint="install gpgv")
    if not keyrings:
        raise CatalogError(f"{where} cannot be checked without a keyring", hint="set signedBy")
    chosen: list[str] = []
    for number, path in enumerate(keyrings):
        plain = folder / f"keyring-{number}.gpg"
        plain.write_bytes(_read_keyring(path, where))
        chosen += ["--keyring", str(plain)]
    command = [gpgv, "--status-fd", "1", "--homedir", str(folder), *chosen, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CatalogError(f"gpgv cannot check {where}: {error}") from error
    if not _is_vouched_for(done.stdout.decode("utf-8", "replace")):
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()[-_LAST_LINES:]
        raise CatalogError(
            f"{where} is not signed by a key of {', '.join(map(str, keyrings))}: {' '.join(told)}",
            hint="if the archive's key is new, put it into the keyring of signedBy",
        )


def _is_vouched_for(status: str) -> bool:
    """Judge as apt does: one good signature is enough, and a bad one spoils all.

    An archive that changes its key signs with both, so signatures of keys that are not in the
    keyrings count neither way; those of expired or revoked keys are no good ones.
    """
    is_good = is_valid = False
    for line in status.splitlines():
        word, *fields = line.removeprefix("[GNUPG:] ").split(" ")
        if word == "BADSIG":
            return False
        if word in {"NEWSIG", "GOODSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "ERRSIG"}:
            is_good = word == "GOODSIG"
        elif word == "VALIDSIG" and is_good and len(fields) > _HASH_FIELD:
            is_valid = is_valid or fields[_HASH_FIELD] not in _WEAK_HASHES
    return is_valid


def _read_keyring(path: Path, where: str) -> bytes:
    """Give a keyring in the binary form, the only one that gpgv takes."""
    try:
        with path.open("rb") as file:
            content = file.read(_KEYRING_LIMIT + 1)
    except OSError as error:
        raise CatalogError(
            f"{where} cannot be checked: {path}: {error.strerror}", hint="set signedBy"
        ) from error
    if len(content) > _KEYRING_LIMIT:
        raise CatalogError(f"{path} is too large for a keyring", hint="set signedBy")
    if b"-----BEGIN PGP" not in content[:4096]:
        return content
    try:
        return b"".join(_unarmor(content))
    except binascii.Error as error:
        raise CatalogError(f"{path} is no OpenPGP keyring: {error}", hint="set signedBy") from error


def _unarmor(content: bytes) -> Iterator[bytes]:
    for match in _ARMOR.finditer(content.replace(b"\r\n", b"\n")):
        yield base64.b64decode(match.group(1))


def _decode(content: bytes, where: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise CatalogError(f"{where} is not UTF-8 text") from error
