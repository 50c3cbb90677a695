"""`patchwright catalog import`: bring a file or folder into a site's catalog, offline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home
from reconciler.app.wiring import make_depot
from reconciler.catalog.importing import make_listing, read_any
from reconciler.catalog.osv import read_osv
from reconciler.catalog.record_reader import LARGEST_ARCHIVE
from reconciler.catalog.records import read_record_folder, read_records
from reconciler.catalog.rpm_reader import RpmReader
from reconciler.cli.output import print_json, print_lines
from reconciler.engine.catalog_sync import import_name, take_listing
from reconciler.fetch import Fetcher
from reconciler.model.canonical import Json
from reconciler.model.errors import CatalogError
from reconciler.ports import Listing
from reconciler.source.folder import read_regular_file
from reconciler.store.catalog import CatalogChange

OSV, DIRECTORY, UPDATEINFO = "osv", "directory", "updateinfo"


@dataclass(frozen=True, slots=True)
class Brought:
    """What is imported: a path, its form (guessed where none is said), and what rpms are for."""

    path: Path
    type: str | None = None
    releases: tuple[str, ...] = ()


def import_catalog(site: Path, brought: Brought, source: str | None, output: str) -> int:
    """Read, merge, print the counts; exit 1 where not one record could be read."""
    home = Home(site)
    home.settings()
    name = import_name(source or brought.path.resolve().name.partition(".")[0])
    listing = read_listing(brought, name)
    store = home.open_store()
    try:
        change = take_listing(store, make_depot(home), name, listing, SystemClock())
    finally:
        store.close()
    if output == "json":
        print_json(_as_json(name, listing, change))
    else:
        print_lines(_as_lines(name, listing, change))
    return 0 if listing.updates or listing.retracted else 1


def read_listing(brought: Brought, name: str) -> Listing:
    """Read a file or a folder; raises CatalogError. A folder may hold records of either form."""
    path = brought.path
    is_folder = path.is_dir()
    chosen = brought.type or (DIRECTORY if is_folder else OSV)
    if chosen != OSV and not is_folder:
        hint = "name a folder, or give --type osv"
        raise CatalogError(f"{path} is no folder, which type {chosen} reads", hint=hint)
    if chosen == UPDATEINFO:
        return _read_repository(path, brought.releases, name)
    read = read_any if chosen == DIRECTORY else read_osv
    if is_folder:
        return make_listing(read_record_folder(path), name, read)
    try:
        content = read_regular_file(path.resolve(), LARGEST_ARCHIVE)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CatalogError(f"{path} cannot be read: {reason}") from error
    if len(content) > LARGEST_ARCHIVE:
        raise CatalogError(f"{path} is larger than {LARGEST_ARCHIVE >> 20} MiB")
    return make_listing(read_records(content, str(path)), name, read)


def _read_repository(path: Path, releases: tuple[str, ...], name: str) -> Listing:
    if not releases:
        hint = "give --release almalinux-9"
        raise CatalogError(f"{path} does not say for which releases its rpms are", hint=hint)
    reader = RpmReader(
        name=name,
        location=str(path.resolve()),
        repositories=(),
        releases=releases,
        architectures=(),
        keyrings=(),
        fetcher=Fetcher(),
    )
    return reader.read()


def _as_json(name: str, listing: Listing, change: CatalogChange) -> Json:
    return {
        "source": name,
        "version": change.version,
        "read": len(listing.updates),
        "added": len(change.added),
        "revised": len(change.revised),
        "withdrawn": len(change.withdrawn),
        "restored": len(change.restored),
        "retracted": len(listing.retracted),
        "setAside": [
            {"where": one.where, "id": one.id, "reason": one.reason} for one in listing.set_aside
        ],
    }


def _as_lines(name: str, listing: Listing, change: CatalogChange) -> Iterator[str]:
    for one in listing.set_aside:
        yield f"set aside: {one.where}: {one.reason}"
    counts = {
        "read": listing.updates,
        "added": change.added,
        "revised": change.revised,
        "withdrawn": change.withdrawn,
        "restored": change.restored,
        "retracted by their publisher": listing.retracted,
        "set aside": listing.set_aside,
    }
    always = ("read", "added", "revised", "withdrawn", "set aside")
    told = [f"{len(what)} {word}" for word, what in counts.items() if what or word in always]
    yield f"{name}: {', '.join(told)}; content version {change.version}"
