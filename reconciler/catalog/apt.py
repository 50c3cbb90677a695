"""Read an apt archive: signed suites, whole, as updates by source package (A5, S10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.catalog.apt_indexes import PackagesIndex, choose_indexes
from reconciler.catalog.apt_packages import SuiteUpdates, parse_packages
from reconciler.catalog.apt_release import SuiteRelease, parse_release
from reconciler.catalog.inflate import inflate
from reconciler.catalog.signature import check_detached, open_signed
from reconciler.fetch import Fetcher, FetchError, join_url
from reconciler.model.errors import CatalogError
from reconciler.model.ids import sha256_hex
from reconciler.model.updates import Update
from reconciler.ports import Clock, Listing

_RELEASE_LIMIT = 32 * 1024 * 1024
_TRIES = 3


class _ChangedError(CatalogError):
    """An index does not belong to the Release that was read before it."""


@dataclass(frozen=True, slots=True)
class AptReader:
    """Reads all suites or nothing: a partial catalog would look like withdrawn updates (S29).

    `architectures` narrows what is read; where it is empty all counts.
    """

    name: str
    location: str
    suites: Sequence[str]
    architectures: Sequence[str]
    keyrings: Sequence[Path]
    fetcher: Fetcher
    clock: Clock

    def read(self) -> Listing:
        """Give every update of the suites in order of ids; raises CatalogError."""
        if not self.suites:
            raise CatalogError(f"source {self.name!r} names no suites", hint="set suites")
        found = [update for suite in dict.fromkeys(self.suites) for update in self._read(suite)]
        return Listing(tuple(sorted(found, key=lambda update: update.id)))

    def _read(self, suite: str) -> list[Update]:
        """Read again when the archive is published anew between its Release and its indexes."""
        for _ in range(_TRIES - 1):
            try:
                return self._read_once(suite)
            except _ChangedError:
                continue
        return self._read_once(suite)

    def _read_once(self, suite: str) -> list[Update]:
        release = self._read_release(suite)
        updates = SuiteUpdates(self.name, self.location, release)
        for index in choose_indexes(release, self.architectures):
            url = join_url(self.location, f"dists/{suite}/{index.path}")
            content = self._read_index(release, suite, index)
            try:
                text = inflate(content, index.form, index.plain_limit).decode()
                for package in parse_packages(text):
                    updates.add(package)
            except ValueError as error:
                raise CatalogError(f"{url}: {error}", hint="tell who runs the archive") from error
        return updates.made()

    def _read_release(self, suite: str) -> SuiteRelease:
        base = join_url(self.location, f"dists/{suite}")
        where = f"{base}/InRelease"
        try:
            signed = self.fetcher.read(where, _RELEASE_LIMIT)
        except FetchError as error:
            if not error.is_missing:
                raise CatalogError(str(error), hint=error.hint) from error
            where = f"{base}/Release"
            text = self._read_detached(where)
        else:
            text = open_signed(signed, self.keyrings, where)
        return parse_release(text, suite, self.clock.now(), where)

    def _read_detached(self, where: str) -> str:
        try:
            content = self.fetcher.read(where, _RELEASE_LIMIT)
        except FetchError as error:
            text = f"{error}, and there is no InRelease" if error.is_missing else str(error)
            raise CatalogError(text, hint="check the source's location and suites") from error
        try:
            signature = self.fetcher.read(f"{where}.gpg", _RELEASE_LIMIT)
        except FetchError as error:
            text = f"{where} is not signed: {error}" if error.is_missing else str(error)
            raise CatalogError(text, hint="only signed suites are read") from error
        return check_detached(content, signature, self.keyrings, where)

    def _read_index(self, release: SuiteRelease, suite: str, index: PackagesIndex) -> bytes:
        paths = [index.by_hash, index.path] if release.by_hash else [index.path]
        content, url = self._read_first(
            (join_url(self.location, f"dists/{suite}/{path}") for path in paths), index.file.size
        )
        if len(content) != index.file.size or sha256_hex(content) != index.file.sha256:
            raise _ChangedError(
                f"{url} is not the file that the signed Release vouches for",
                hint="the mirror is being updated or damaged; it is tried again",
            )
        return content

    def _read_first(self, urls: Iterator[str], limit: int) -> tuple[bytes, str]:
        """Give the first of the files that can be read, and its URL."""
        problems: list[FetchError] = []
        for url in urls:
            try:
                return self.fetcher.read(url, limit), url
            except FetchError as error:
                if error.may_pass:
                    raise CatalogError(str(error), hint=error.hint) from error
                problems.append(error)
        raise _ChangedError(
            f"{problems[-1]}, and the signed Release lists it otherwise",
            hint="name the architectures that the mirror has, or use another mirror",
        )
