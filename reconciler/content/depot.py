"""Captured files by their SHA-256, as `sha256/ab/abcdef…`."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from reconciler.model.errors import ContentError
from reconciler.model.ids import DIGEST, sha256_hex

_DRAFTS = "drafts"
_HINTS = {
    errno.ENOSPC: "free space on the disk of the content folder",
    errno.EDQUOT: "free space on the disk of the content folder",
    errno.EACCES: "give the server's user the content folder",
    errno.EPERM: "give the server's user the content folder",
    errno.EROFS: "mount the disk of the content folder writable",
}


class Depot:
    """A file stands under its digest only when it is whole and on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keep bytes and give their digest; ContentError where the disk refuses."""
        digest = sha256_hex(content)
        if not self.holds(digest, len(content)):
            self.put_stream([content], digest, len(content))
        return digest

    def put_stream(self, chunks: Iterable[bytes], sha256: str, size: int) -> None:
        """Keep a stream that must have this digest and size, else ContentError.

        What stands under the digest is replaced, so that a file which a disk spoiled heals.
        """
        if DIGEST.fullmatch(sha256) is None:
            raise ContentError(f"{sha256!r:.80} is no SHA-256 in lower-case hex")
        drafts = self._folder / _DRAFTS
        with _disk_errors(self._folder):
            drafts.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=drafts, delete=False) as draft:
                try:
                    _write_checked(draft, chunks, sha256, size)
                    self._publish(Path(draft.name), self._place(sha256))
                finally:
                    Path(draft.name).unlink(missing_ok=True)

    def holds(self, sha256: str, size: int) -> bool:
        """Tell whether the file is there in full, and keep it from being collected as old."""
        path = self.path_of(sha256)
        if path is None:
            return False
        with _disk_errors(path), suppress(FileNotFoundError):
            if path.stat().st_size != size:
                return False
            os.utime(path)
            return True
        return False

    def path_of(self, sha256: str) -> Path | None:
        """Give the file with that digest, or None; what is no digest has no file."""
        if DIGEST.fullmatch(sha256) is None:
            return None
        path = self._place(sha256)
        with _disk_errors(path):
            return path if path.is_file() else None

    def size_of(self, sha256: str) -> int | None:
        """Give the bytes of a kept file, and keep it from being collected; None without one."""
        path = self.path_of(sha256)
        if path is None:
            return None
        with _disk_errors(path), suppress(FileNotFoundError):
            size = path.stat().st_size
            os.utime(path)
            return size
        return None

    def read(self, sha256: str, limit: int) -> bytes:
        """Give a kept file of at most `limit` bytes, its digest checked again."""
        path = self.path_of(sha256)
        if path is None:
            raise ContentError(f"no file with digest {sha256!r:.80} is kept")
        with _disk_errors(path), path.open("rb") as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise ContentError(f"{path} is larger than {limit} bytes")
        if sha256_hex(content) != sha256:
            raise ContentError(
                f"{path} is not what its name says", hint="remove it; it will be fetched again"
            )
        return content

    def collect(self, keep: Collection[str], older_than: timedelta) -> int:
        """Remove files that are not to be kept and are older; give how many bytes that freed.

        `older_than` leaves time to record what was just put; a draft that old belongs to nobody.
        """
        before = time.time() - older_than.total_seconds()
        freed = 0
        with _disk_errors(self._folder):
            for path in (*self._folder.glob("sha256/*/*"), *self._folder.glob(f"{_DRAFTS}/*")):
                with suppress(FileNotFoundError):
                    found = path.stat()
                    if path.name not in keep and found.st_mtime <= before:
                        path.unlink()
                        freed += found.st_size
        return freed

    def _place(self, sha256: str) -> Path:
        return self._folder / "sha256" / sha256[:2] / sha256

    def _publish(self, draft: Path, place: Path) -> None:
        """Name the whole file by its digest; the rename and the folders reach the disk."""
        is_new = not place.parent.is_dir()
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.chmod(0o644)
        draft.replace(place)
        _sync(place.parent)
        if is_new:
            _sync(place.parent.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_checked(draft: IO[bytes], chunks: Iterable[bytes], sha256: str, size: int) -> None:
    digest, written = hashlib.sha256(), 0
    for chunk in chunks:
        written += len(chunk)
        if written > size:
            raise ContentError(f"it has more than the {size} bytes that were promised")
        digest.update(chunk)
        draft.write(chunk)
    if written != size:
        raise ContentError(f"it has {written} of the {size} bytes that were promised")
    if digest.hexdigest() != sha256:
        raise ContentError(
            f"its digest is {digest.hexdigest()}, not {sha256}",
            hint="the file is not the one in the signed index: the mirror is damaged or changed",
        )
    draft.flush()
    os.fsync(draft.fileno())


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or path
        hint = _HINTS.get(error.errno or 0, "look at the disk of the content folder")
        raise ContentError(f"{where}: {error.strerror}", hint=hint) from error
