"""Captured files by their SHA-256, as `sha256/ab/abcdef…`."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from reconciler.model.errors import ContentError
from reconciler.model.ids import DIGEST, sha256_hex

_DRAFTS = "drafts"


class Depot:
    """A file stands under its digest only when it is whole and on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keep bytes and give their digest; ContentError where the disk refuses."""
        digest = sha256_hex(content)
        self.put_stream([content], digest, len(content))
        return digest

    def put_stream(self, chunks: Iterable[bytes], sha256: str, size: int) -> None:
        """Keep a stream that must have this digest and size, else ContentError."""
        if self.path_of(sha256) is not None:
            return
        with _disk_errors(self._folder):
            (self._folder / _DRAFTS).mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self._folder / _DRAFTS, delete=False) as draft:
                try:
                    _write_checked(draft, chunks, sha256, size)
                    self._publish(Path(draft.name), sha256)
                finally:
                    Path(draft.name).unlink(missing_ok=True)

    def path_of(self, sha256: str) -> Path | None:
        """Give the file with that digest, or None; what is no digest has no file."""
        if DIGEST.fullmatch(sha256) is None:
            return None
        path = self._place(sha256)
        return path if path.is_file() else None

    def read(self, sha256: str, limit: int) -> bytes:
        """Give a kept file of at most `limit` bytes, its digest checked again."""
        path = self.path_of(sha256)
        if path is None:
            raise ContentError(f"no file with digest {sha256} is kept")
        with _disk_errors(path), path.open("rb") as file:
            content = file.read(limit + 1)
        if len(content) > limit or sha256_hex(content) != sha256:
            raise ContentError(
                f"{path} is not what its name says", hint="remove it; it will be fetched again"
            )
        return content

    def collect(self, keep: Collection[str], older_than: timedelta) -> int:
        """Remove files that are not to be kept and are older; give how many bytes that freed."""
        before = time.time() - older_than.total_seconds()
        freed = 0
        with _disk_errors(self._folder):
            for path in (*self._folder.glob("sha256/*/*"), *self._folder.glob(f"{_DRAFTS}/*")):
                found = path.stat()
                if path.name not in keep and found.st_mtime < before:
                    path.unlink()
                    freed += found.st_size
        return freed

    def _place(self, sha256: str) -> Path:
        return self._folder / "sha256" / sha256[:2] / sha256

    def _publish(self, draft: Path, sha256: str) -> None:
        """Name the whole file by its digest; the rename and the folder reach the disk."""
        place = self._place(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.chmod(0o644)
        draft.rename(place)
        descriptor = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_checked(draft: IO[bytes], chunks: Iterable[bytes], sha256: str, size: int) -> None:
    digest, written = hashlib.sha256(), 0
    for chunk in chunks:
        written += len(chunk)
        if written > size:
            raise ContentError(f"a file is larger than the {size} bytes that were promised")
        digest.update(chunk)
        draft.write(chunk)
    if written != size or digest.hexdigest() != sha256:
        raise ContentError(
            f"a file of {written} bytes has digest {digest.hexdigest()}, not {sha256}"
        )
    draft.flush()
    os.fsync(draft.fileno())


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or path
        raise ContentError(
            f"{where}: {error.strerror}", hint="check space and permissions of the content folder"
        ) from error
