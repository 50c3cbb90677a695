"""The reader for a source's type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reconciler.catalog.apt import AptReader
from reconciler.catalog.importing import narrow
from reconciler.catalog.record_reader import FolderReader, OsvReader
from reconciler.catalog.rpm_reader import RpmReader
from reconciler.catalog.signature import system_keyrings
from reconciler.fetch import Fetcher
from reconciler.ports import CatalogReader, Clock, Listing


class SourceSpec(Protocol):
    """What a CatalogSource manifest says of its source."""

    @property
    def type(self) -> str: ...
    @property
    def location(self) -> str: ...
    @property
    def suites(self) -> Sequence[str]: ...
    @property
    def architectures(self) -> Sequence[str]: ...
    @property
    def releases(self) -> Sequence[str]: ...
    @property
    def products(self) -> Sequence[str]: ...
    @property
    def classifications(self) -> Sequence[str]: ...
    @property
    def signed_by(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A reader of which only some products and classifications count; none named = all."""

    reader: CatalogReader
    products: Sequence[str]
    classifications: Sequence[str]

    def read(self) -> Listing:
        """Give what counts of the source; raises CatalogError."""
        return narrow(self.reader.read(), self.products, self.classifications)


def make_reader(
    name: str, spec: SourceSpec, fetcher: Fetcher, clock: Clock, folder: Path
) -> CatalogReader:
    """Choose the reader; a relative `signedBy` lies in the folder."""
    reader = _make_whole_reader(name, spec, fetcher, clock, folder)
    return Narrowed(reader, spec.products, spec.classifications)


def _make_whole_reader(
    name: str, spec: SourceSpec, fetcher: Fetcher, clock: Clock, folder: Path
) -> CatalogReader:
    if spec.type == "osv":
        return OsvReader(name, spec.location, fetcher)
    if spec.type == "directory":
        return FolderReader(name, spec.location)
    own_keyrings = (folder / spec.signed_by,) if spec.signed_by else ()
    if spec.type == "updateinfo":
        return RpmReader(
            name=name,
            location=spec.location,
            repositories=spec.suites,
            releases=spec.releases,
            architectures=spec.architectures,
            keyrings=own_keyrings,
            fetcher=fetcher,
        )
    return AptReader(
        name=name,
        location=spec.location,
        suites=spec.suites,
        architectures=spec.architectures,
        keyrings=own_keyrings or system_keyrings(),
        fetcher=fetcher,
        clock=clock,
    )
