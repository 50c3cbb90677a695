"""Read an apt archive: signed suites, whole, as updates by source package (A5, S10)."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.catalog.apt_packages import SuiteUpdates, parse_packages
from reconciler.catalog.apt_release import IndexFile, SuiteRelease, parse_release
from reconciler.catalog.signature import check_detached, open_signed
from reconciler.fetch import Fetcher, FetchError, join_url
from reconciler.model.errors import CatalogError
from reconciler.model.updates import Update
from reconciler.ports import Clock

_RELEASE_LIMIT = 32 * 1024 * 1024
_INDEX_LIMIT = 512 * 1024 * 1024
# Best first; the plain form is last because it is the largest.
_FORMS = (".xz", ".gz", "")
_TRIES = 3


@dataclass(frozen=True, slots=True)
class AptReader:
    """Reads all suites or nothing: a partial catalog would look like withdrawn updates (S29)."""

    name: str
    location: str
    suites: Sequence[str]
    architectures: Sequence[str]
    classifications: Sequence[str]
    keyrings: Sequence[Path]
    fetcher: Fetcher
    clock: Clock

    def read(self) -> tuple[Update, ...]:
        """Give every update of the suites in order of ids; raises CatalogError."""
        if not self.suites:
            raise CatalogError(f"source {self.name!r} names no suites", hint="set suites")
        found = [update for suite in self.suites for update in self._read_suite(suite)]
        wanted = set(self.classifications)
        return tuple(
            sorted(
                (one for one in found if not wanted or one.classification in wanted),
                key=lambda update: update.id,
            )
        )

    def _read_suite(self, suite: str) -> Iterator[Update]:
        """Read again when the archive is published anew between its Release and its indexes."""
        for number in range(1, _TRIES + 1):
            try:
                yield from self._read_consistently(suite)
            except _ChangedError:
                if number == _TRIES:
                    raise
            else:
                return

    def _read_consistently(self, suite: str) -> list[Update]:
        release = self._read_release(suite)
        updates = SuiteUpdates(self.name, self.location, release)
        for path, file in sorted(_package_indexes(release, self.architectures).items()):
            place = f"{path.rpartition('/')[0]}/by-hash/SHA256/{file.sha256}"
            url = join_url(self.location, f"dists/{suite}/{place if release.by_hash else path}")
            text = _inflate(self._fetch_index(url, file), path, url)
            try:
                for package in parse_packages(text):
                    updates.add(package)
            except ValueError as error:
                raise CatalogError(f"{url}: {error}") from error
        return updates.made()

    def _read_release(self, suite: str) -> SuiteRelease:
        base = join_url(self.location, f"dists/{suite}")
        now: datetime = self.clock.now()
        where = f"{base}/InRelease"
        try:
            text = open_signed(self.fetcher.read(where, _RELEASE_LIMIT), self.keyrings, where)
        except FetchError as inline_error:
            where = f"{base}/Release"
            try:
                content = self.fetcher.read(where, _RELEASE_LIMIT)
                signature = self.fetcher.read(f"{where}.gpg", _RELEASE_LIMIT)
            except FetchError:
                raise CatalogError(str(inline_error), hint="check location and suites") from None
            text = check_detached(content, signature, self.keyrings, where)
        return parse_release(text, suite, now, where)

    def _fetch_index(self, url: str, file: IndexFile) -> bytes:
        try:
            content = self.fetcher.read(url, min(file.size, _INDEX_LIMIT))
        except FetchError as error:
            raise _ChangedError(str(error)) from error
        if len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256:
            raise _ChangedError(
                f"{url} is not the file that the signed Release vouches for",
                hint="the mirror is being updated or damaged; it is tried again",
            )
        return content


class _ChangedError(CatalogError):
    """An index does not belong to the Release that was read before it."""


def _package_indexes(release: SuiteRelease, architectures: Sequence[str]) -> dict[str, IndexFile]:
    """Choose the smallest form of each component's and architecture's Packages file."""
    chosen: dict[str, IndexFile] = {}
    for component in release.components:
        for architecture in architectures or release.architectures:
            stem = f"{component}/binary-{architecture}/Packages"
            form = next((form for form in _FORMS if stem + form in release.files), None)
            if form is not None:
                chosen[stem + form] = release.files[stem + form]
    if not chosen:
        wanted = ", ".join(architectures) or "any architecture"
        raise CatalogError(f"suite {release.suite} has no Packages index for {wanted}")
    return chosen


def _opened(content: bytes, path: str) -> io.BufferedIOBase:
    packed = io.BytesIO(content)
    if path.endswith(".xz"):
        return lzma.LZMAFile(packed)
    return gzip.GzipFile(fileobj=packed) if path.endswith(".gz") else packed


def _inflate(content: bytes, path: str, url: str) -> str:
    try:
        with _opened(content, path) as unpacked:
            plain = unpacked.read(_INDEX_LIMIT + 1)
        if len(plain) > _INDEX_LIMIT:
            raise CatalogError(f"{url} unpacks to more than {_INDEX_LIMIT} bytes")
        return plain.decode()
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise CatalogError(f"{url} cannot be unpacked: {error}") from error
