"""Read rpm repositories with their advisories (A5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from reconciler.catalog.inflate import inflate
from reconciler.catalog.repomd import MetadataFile, parse_repomd
from reconciler.catalog.rpm_modules import Build, key_of, parse_modules
from reconciler.catalog.rpm_primary import BrokenRpm, ListedRpm, parse_primary
from reconciler.catalog.rpm_updates import Joiner
from reconciler.catalog.signature import check_detached
from reconciler.catalog.updateinfo import Advisory, BrokenAdvisory, parse_updateinfo
from reconciler.fetch import Fetcher, FetchError, join_url
from reconciler.model.errors import CatalogError
from reconciler.ports import Listing, SetAside

T = TypeVar("T")
_INDEX = "repodata/repomd.xml"
_INDEX_LIMIT = 4 * 1024 * 1024
_SIGNATURE_LIMIT = 256 * 1024
_TRIES = 3
_EVERYWHERE = "noarch"


class _ChangedError(CatalogError):
    """A file does not belong to the repomd.xml that was read before it."""


@dataclass(slots=True)
class _Found:
    """What the repositories hold, as far as they have been read."""

    rpms: list[ListedRpm]
    advisories: list[Advisory]
    aside: list[SetAside]


@dataclass(frozen=True, slots=True)
class RpmReader:
    """Reads all repositories or nothing: a partial catalog would look like withdrawals (S29).

    `repositories` are paths below the location, none = the location itself; `architectures`
    narrows what is read, where it is empty all counts. Without keyrings the index is believed
    for what its transport is worth, so only https and the disk will do.
    """

    name: str
    location: str
    repositories: Sequence[str]
    releases: Sequence[str]
    architectures: Sequence[str]
    keyrings: Sequence[Path]
    fetcher: Fetcher

    def read(self) -> Listing:
        """Give every update in order of ids; raises CatalogError."""
        if not self.releases:
            raise CatalogError(
                f"source {self.name!r} does not say for which releases it is",
                hint="set releases, as [almalinux-9]",
            )
        if not self.keyrings and self.location.startswith("http:"):
            raise CatalogError(
                f"source {self.name!r} is neither signed nor fetched by https",
                hint="set signedBy, or use https",
            )
        found = _Found([], [], [])
        for repository in dict.fromkeys(self.repositories) or ("",):
            self._read(repository, found)
        joiner = Joiner(self.name, self.location, tuple(sorted(set(self.releases))))
        updates, aside = joiner.join(found.advisories, found.rpms)
        told = sorted({*found.aside, *aside}, key=lambda one: (one.where, one.id, one.reason))
        return Listing(updates, tuple(told))

    def _read(self, repository: str, found: _Found) -> None:
        """Read again when the repository is published anew between its index and its files."""
        for _ in range(_TRIES - 1):
            try:
                return self._read_once(repository, found)
            except _ChangedError:
                continue
        return self._read_once(repository, found)

    def _read_once(self, repository: str, found: _Found) -> None:
        base = join_url(self.location, repository) if repository else self.location
        files = self._read_index(base)
        if "primary" not in files:
            raise CatalogError(f"{base}/{_INDEX} lists no primary metadata")
        # All is fetched before anything is kept, so that a second try begins anew.
        fetched = {
            kind: self._fetch(base, files[kind])
            for kind in ("primary", "updateinfo", "modules")
            if kind in files
        }
        streams = _parse(base, "modules", fetched, parse_modules) or {}
        packages = _parse(base, "primary", fetched, lambda content: list(parse_primary(content)))
        advisories = _parse(
            base, "updateinfo", fetched, lambda content: list(parse_updateinfo(content))
        )
        self._take(repository, found, packages or [], streams)
        for one in advisories or []:
            if isinstance(one, BrokenAdvisory):
                found.aside.append(SetAside(f"{base}/updateinfo", one.id, one.reason))
            else:
                found.advisories.append(self._narrow(one))

    def _take(
        self,
        repository: str,
        found: _Found,
        packages: Sequence[ListedRpm | BrokenRpm],
        streams: Mapping[Build, str],
    ) -> None:
        for one in packages:
            if isinstance(one, BrokenRpm):
                found.aside.append(SetAside(f"{repository or '.'}/primary", one.name, one.reason))
            elif self._counts(one.file.architecture):
                path = f"{repository.strip('/')}/{one.file.path}" if repository else one.file.path
                module = streams.get(key_of(one.file), "")
                file = replace(one.file, path=path, module=module)
                found.rpms.append(replace(one, file=file))

    def _narrow(self, advisory: Advisory) -> Advisory:
        builds = tuple(one for one in advisory.builds if self._counts(one[0][2]))
        return replace(advisory, builds=builds or advisory.builds)

    def _counts(self, architecture: str) -> bool:
        wanted = self.architectures
        return not wanted or architecture == _EVERYWHERE or architecture in wanted

    def _read_index(self, base: str) -> Mapping[str, MetadataFile]:
        where = join_url(base, _INDEX)
        content = self._read_file(where, _INDEX_LIMIT)
        if self.keyrings:
            signature = self._read_file(f"{where}.asc", _SIGNATURE_LIMIT)
            check_detached(content, signature, self.keyrings, where)
        try:
            return parse_repomd(content)
        except ValueError as error:
            raise CatalogError(f"{where}: {error}", hint="tell who runs the repository") from error

    def _read_file(self, where: str, limit: int) -> bytes:
        try:
            return self.fetcher.read(where, limit)
        except FetchError as error:
            hint = "check the source's location and suites" if error.is_missing else error.hint
            raise CatalogError(str(error), hint=hint) from error

    def _fetch(self, base: str, file: MetadataFile) -> bytes:
        where = join_url(base, file.path)
        try:
            content = self.fetcher.read(where, file.size)
        except FetchError as error:
            if error.may_pass:
                raise CatalogError(str(error), hint=error.hint) from error
            raise _ChangedError(f"{error}, and the repository's index lists it") from error
        if not file.is_whole(content):
            raise _ChangedError(
                f"{where} is not the file that the repository's index vouches for",
                hint="the mirror is being updated or damaged; it is tried again",
            )
        try:
            return inflate(content, file.form, file.plain_limit)
        except ValueError as error:
            raise CatalogError(f"{where}: {error}", hint="tell who runs the repository") from error


def _parse(
    base: str, kind: str, fetched: Mapping[str, bytes], parse: Callable[[bytes], T]
) -> T | None:
    if kind not in fetched:
        return None
    try:
        return parse(fetched[kind])
    except ValueError as error:
        hint = "tell who runs the repository"
        raise CatalogError(f"the {kind} metadata of {base}: {error}", hint=hint) from error
