"""Read an update source of records: OSV archives and files, folders of either form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reconciler.catalog.importing import make_listing, read_any
from reconciler.catalog.osv import read_osv
from reconciler.catalog.records import read_record_folder, read_records
from reconciler.fetch import Fetcher, FetchError
from reconciler.model.errors import CatalogError
from reconciler.ports import Listing

LARGEST_ARCHIVE = 256 << 20


@dataclass(frozen=True, slots=True)
class OsvReader:
    """Reads OSV records: an archive, a JSON file or a folder of them."""

    name: str
    location: str
    fetcher: Fetcher

    def read(self) -> Listing:
        """Give every update that the records tell; raises CatalogError."""
        folder = _local_path(self.location)
        if folder is not None and folder.is_dir():
            return make_listing(read_record_folder(folder), self.name, read_osv)
        try:
            content = self.fetcher.read(self.location, LARGEST_ARCHIVE)
        except FetchError as error:
            raise CatalogError(str(error), hint=error.hint) from error
        return make_listing(read_records(content, self.location), self.name, read_osv)


@dataclass(frozen=True, slots=True)
class FolderReader:
    """Reads a folder of this host whose files are OSV records or updates in our own form."""

    name: str
    location: str

    def read(self) -> Listing:
        """Give every update that the folder's files tell; raises CatalogError."""
        folder = _local_path(self.location)
        if folder is None or not folder.is_dir():
            hint = "name a folder of this host, or use type osv for an archive"
            raise CatalogError(f"{self.location} is no folder", hint=hint)
        return make_listing(read_record_folder(folder), self.name, read_any)


def _local_path(location: str) -> Path | None:
    if location.startswith("/"):
        return Path(location)
    parts = urlsplit(location)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None
