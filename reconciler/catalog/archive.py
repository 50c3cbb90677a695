"""Files of a tar or zip archive, never more of them than the limits allow."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing

from reconciler.model.errors import CatalogError

LARGEST_RECORD = 8 << 20
MOST_BYTES = 512 << 20
MOST_FILES = 200_000
_GZIP, _XZ, _ZIP = b"\x1f\x8b", b"\xfd7zXZ\x00", b"PK\x03\x04"
_USTAR, _USTAR_AT = b"ustar", 257
_LONGEST_NAME = 1024
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError)

Stream = io.BufferedIOBase
Member = tuple[str, bytes | str]
"""A member's name, and its content or the reason why it was not read."""


def is_archive(content: bytes) -> bool:
    """Tell an archive, packed or not, from a plain file by its first bytes."""
    return content.startswith((_GZIP, _XZ, _ZIP)) or _is_tar(content)


def read_archive(content: bytes, where: str) -> Iterator[Member]:
    """Give the JSON files of an archive in its order; other files and folders are passed over.

    A JSON member that is a link, leaves the archive or is too large comes with the reason.
    Raises CatalogError for an archive that is damaged, or larger than the limits.
    """
    members = _of_zip(content) if content.startswith(_ZIP) else _of_tar(content)
    try:
        for number, (name, found) in enumerate(members, 1):
            if number > MOST_FILES:
                raise CatalogError(f"{where} holds more than {MOST_FILES:,} files")
            if found is not None:
                yield name, found
    except _DAMAGED as error:
        text = str(error) or type(error).__name__
        raise CatalogError(f"{where} cannot be unpacked: {text}", hint="fetch it again") from error
    except (NotImplementedError, RuntimeError) as error:
        # zipfile says so of encryption and of foreign compressions.
        raise CatalogError(f"{where} cannot be unpacked: {error}") from error


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than the limit, whatever its headers promise."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream
        self._left = MOST_BYTES
        self._last = b""
        self._given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = self._left + 1 if size < 0 else min(size, self._left + 1)
        chunk = self._stream.read(wanted)
        self._left -= len(chunk)
        if self._left < 0:
            raise CatalogError(_too_much())
        self._last = chunk or self._last
        self._given += len(chunk)
        return chunk

    def check_end(self, offset: int) -> None:
        """Raise EOFError unless an end mark stands there, and read on to the last checksum.

        The library takes a header that is damaged for the end, and an end that is missing too.
        """
        begin = offset - (self._given - len(self._last))
        if self._last[begin : begin + tarfile.BLOCKSIZE] != bytes(tarfile.BLOCKSIZE):
            message = "it is damaged or cut short"
            raise EOFError(message)
        while self.read(1 << 20):
            pass


def _of_tar(content: bytes) -> Iterator[tuple[str, bytes | str | None]]:
    stream = _Bounded(_plain(content))
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            reason = _refusal(member.name, member.size)
            if member.isdir() or not _is_json(member.name):
                yield member.name, None
            elif not member.isreg():
                yield member.name, "it is a link or a device, and no file"
            elif reason:
                yield member.name, reason
            else:
                file = archive.extractfile(member)
                yield member.name, file.read() if file is not None else "it is no file"
        stream.check_end(archive.offset)


def _of_zip(content: bytes) -> Iterator[tuple[str, bytes | str | None]]:
    left = MOST_BYTES
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            reason = _refusal(member.filename, member.file_size)
            if member.is_dir() or not _is_json(member.filename):
                yield member.filename, None
            elif reason:
                yield member.filename, reason
            else:
                with closing(archive.open(member)) as file:
                    plain = file.read(LARGEST_RECORD + 1)
                left -= len(plain)
                if left < 0:
                    raise CatalogError(_too_much())
                yield member.filename, plain if len(plain) <= LARGEST_RECORD else too_large()


def _plain(content: bytes) -> Stream:
    packed = io.BytesIO(content)
    if content.startswith(_GZIP):
        return gzip.GzipFile(fileobj=packed)
    if content.startswith(_XZ):
        return lzma.LZMAFile(packed)
    return packed


def _refusal(name: str, size: int) -> str:
    """Say why a member is not read; nothing where it may be."""
    if name.startswith("/") or ".." in name.split("/") or len(name) > _LONGEST_NAME:
        return "its path leaves the archive"
    return too_large() if size > LARGEST_RECORD else ""


def too_large() -> str:
    """Say what is wrong with a record above the limit."""
    return f"it is larger than {LARGEST_RECORD >> 20} MiB"


def _too_much() -> str:
    return f"it unpacks to more than {MOST_BYTES >> 20} MiB"


def _is_json(name: str) -> bool:
    """Tell records from what else lies beside them; hidden files are none."""
    return name.endswith(".json") and not name.rpartition("/")[2].startswith(".")


def _is_tar(content: bytes) -> bool:
    return content[_USTAR_AT : _USTAR_AT + len(_USTAR)] == _USTAR
