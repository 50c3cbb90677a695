"""The reader for a source's type."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from reconciler.catalog.apt import AptReader
from reconciler.catalog.signature import system_keyrings
from reconciler.fetch import Fetcher
from reconciler.model.errors import CatalogError
from reconciler.ports import CatalogReader, Clock


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
    def classifications(self) -> Sequence[str]: ...
    @property
    def signed_by(self) -> str | None: ...


def make_reader(
    name: str, spec: SourceSpec, fetcher: Fetcher, clock: Clock, folder: Path
) -> CatalogReader:
    """Choose the reader; a relative `signedBy` lies in the folder."""
    if spec.type != "apt":
        raise CatalogError(f"source {name!r}: type {spec.type!r} is not carried out yet")
    keyrings = (folder / spec.signed_by,) if spec.signed_by else system_keyrings()
    return AptReader(
        name=name,
        location=spec.location,
        suites=spec.suites,
        architectures=spec.architectures,
        classifications=spec.classifications,
        keyrings=keyrings,
        fetcher=fetcher,
        clock=clock,
    )
