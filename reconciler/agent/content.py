"""Content by digest: fetched in parts, resumed, and believed only when its SHA-256 is right."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Optional, TypeVar

from reconciler.agent.client import Site
from reconciler.agent.home import read_bounded
from reconciler.model.codec import decode
from reconciler.model.errors import ContentError
from reconciler.model.ids import DIGEST

T = TypeVar("T")
DOCUMENT_LIMIT = 64 * 1024 * 1024
_CHUNK = 1024 * 1024


class Content:
    """Files by their SHA-256 in one directory of the agent; without a site none is fetched."""

    def __init__(self, path: Path, site: Optional[Site]) -> None:
        self._path = path
        self._site = site

    def fetch(self, sha256: str, size: Optional[int] = None, limit: int = DOCUMENT_LIMIT) -> Path:
        """Give the file with this digest, from the disk or the site.

        `size` is what it must have, or else at most `limit`. Raises ContentError where it is
        not what was promised, SiteUnreachableError where it may work later.
        """
        if DIGEST.fullmatch(sha256) is None:
            raise ContentError(f"{sha256!r:.80} is not a SHA-256")
        target = self._path / sha256
        if target.exists():
            if digest_of_file(target) == sha256:
                return target
            target.unlink()
        if self._site is None:
            raise ContentError(f"the content {sha256} is not here, and no site gives it")
        self._path.mkdir(parents=True, exist_ok=True)
        part = self._path / f"{sha256}.part"
        try:
            _download(self._site, part, sha256, limit if size is None else size)
            _check(part, sha256, size)
        except ContentError:
            part.unlink(missing_ok=True)
            raise
        part.replace(target)
        return target

    def fetch_document(self, kind: type[T], sha256: str) -> T:
        """Give a JSON document of this digest as a dataclass; raises as `fetch` does."""
        path = self.fetch(sha256)
        try:
            return decode(kind, json.loads(read_bounded(path, DOCUMENT_LIMIT)))
        except ValueError as error:
            raise ContentError(f"the content {sha256} cannot be read: {error}") from error

    def holds(self, sha256: str) -> bool:
        """Tell whether a file is on the disk; `fetch` looks whether it is whole."""
        return (self._path / sha256).exists()

    def keep_only(self, digests: Collection[str]) -> None:
        """Delete every file but these."""
        with contextlib.suppress(FileNotFoundError):
            for file in self._path.iterdir():
                if file.name.partition(".")[0] not in digests:
                    file.unlink(missing_ok=True)


def free_bytes(path: Path) -> int:
    """Give the free space of the nearest existing directory's disk, in bytes."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def _check(path: Path, sha256: str, size: Optional[int]) -> None:
    found = path.stat().st_size
    if size is not None and found != size:
        raise ContentError(f"the content {sha256} has {found} bytes instead of {size}")
    if digest_of_file(path) != sha256:
        raise ContentError(f"the content {sha256} has another digest")


def digest_of_file(path: Path) -> str:
    """Give the SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            if not chunk:
                return digest.hexdigest()
            digest.update(chunk)


def _download(site: Site, part: Path, sha256: str, limit: int) -> None:
    offset = part.stat().st_size if part.exists() else 0
    if offset >= limit:
        # Whole, or wrong: the digest will tell.
        return
    with part.open("ab") as file:
        for continues, chunk in site.fetch_content(sha256, offset):
            if offset and not continues:
                file.seek(0)
                file.truncate()
                offset = 0
            if file.tell() + len(chunk) > limit:
                raise ContentError(f"the content {sha256} is larger than {limit} bytes")
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
