"""Capture the files of a release, so that no mirror can change what is installed (S18)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from reconciler.content.deb_closure import add_deb_dependencies
from reconciler.content.deb_index import index_debs
from reconciler.content.depot import Depot
from reconciler.content.placed import Placed, place
from reconciler.content.rpm_closure import add_rpm_dependencies
from reconciler.content.rpm_index import index_rpms
from reconciler.fetch import Fetcher, FetchError, join_url
from reconciler.model.canonical import canonical_json
from reconciler.model.codec import encode
from reconciler.model.custom import content_path
from reconciler.model.errors import ContentError
from reconciler.model.objects import DEB_INDEX, ContentFile, Package, PackageManifest
from reconciler.model.updates import PackageFile, Update

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9.+~^_-]*", re.ASCII)


def capture(  # noqa: PLR0913, PLR0917  # each is one thing that a capture needs
    package: Package,
    updates: Sequence[Update],
    index: Sequence[Update],
    depot: Depot,
    fetcher: Fetcher,
    architectures: Collection[str],
) -> tuple[str, int]:
    """Fetch a package version's files; give its manifest's digest and the size of all files.

    What is captured are the updates' binary packages for the architectures, and what they depend
    on within `index`. A file that is there already is not fetched again. Any failure is a
    ContentError that names the file, and nothing half-done is ever recorded.
    """
    chosen, others = place(updates, architectures), place(index, architectures)
    only_custom = all(update.custom is not None for update in updates)
    named, indexed = _complete(chosen, others, architectures, only_custom=only_custom)
    for one in named.values():
        _fetch(one, depot, fetcher)
    files = [ContentFile(name, one.file.sha256, one.file.size) for name, one in named.items()]
    files += [ContentFile(name, depot.put(text), len(text)) for name, text in indexed.items()]
    files += _own_files(updates, depot)
    files.sort(key=lambda file: file.path)
    manifest = PackageManifest(package.id, package.version, tuple(files))
    return depot.put(canonical_json(encode(manifest))), sum(file.size for file in files)


def _complete(
    chosen: Sequence[Placed],
    others: Sequence[Placed],
    architectures: Collection[str],
    *,
    only_custom: bool,
) -> tuple[dict[str, Placed], dict[str, bytes]]:
    """Give all files by name, and their indexes: what cannot be indexed is never fetched."""
    debs, rpms = _divide(chosen)
    other_debs, other_rpms = _divide(others)
    named: dict[str, Placed] = {}
    indexed: dict[str, bytes] = {}
    if rpms:
        named |= _by_file_name(add_rpm_dependencies(rpms, other_rpms, architectures))
        indexed |= index_rpms({name: one.file for name, one in named.items()})
    if debs or not (rpms or only_custom):
        found = _by_file_name(add_deb_dependencies(debs, other_debs, architectures))
        indexed[DEB_INDEX] = index_debs({name: one.file for name, one in found.items()})
        named |= found
    return named, indexed


def _own_files(updates: Iterable[Update], depot: Depot) -> list[ContentFile]:
    """Give the files of updates of one's own, which were kept when their commit took force (E2)."""
    wanted = {
        file.sha256: (update, file)
        for update in updates
        if update.custom is not None
        for file in update.custom.files
    }
    found = []
    for sha256, (update, file) in sorted(wanted.items()):
        size = depot.size_of(sha256)
        if size is None:
            raise ContentError(
                f"{file.path} of {update.id} is not kept at the site",
                hint="restart the site, which reads it from git again",
            )
        found.append(ContentFile(content_path(sha256), sha256, size))
    return found


def _divide(placed: Sequence[Placed]) -> tuple[list[Placed], list[Placed]]:
    return (
        [one for one in placed if not one.file.is_rpm],
        [one for one in placed if one.file.is_rpm],
    )


def _by_file_name(placed: Iterable[Placed]) -> dict[str, Placed]:
    named: dict[str, Placed] = {}
    for one in placed:
        name = _file_name(one.file)
        other = named.setdefault(name, one)
        if other.file.sha256 != one.file.sha256:
            raise ContentError(
                f"{name} is offered with two digests, by {other.location} and by {one.location}",
                hint="leave one of the two updates out of the authorization",
            )
    return dict(sorted(named.items()))


def _file_name(file: PackageFile) -> str:
    """Name a file in the flat folder; the colon of an epoch would be taken for a URL's."""
    parts = (file.name, file.version, file.architecture)
    name = ("{}-{}.{}.rpm" if file.is_rpm else "{}_{}_{}.deb").format(*parts).replace(":", "_")
    if _SAFE.fullmatch(name) is None:
        raise ContentError(f"{name!r:.200} can be no file's name")
    return name


def _fetch(one: Placed, depot: Depot, fetcher: Fetcher) -> None:
    file = one.file
    if depot.holds(file.sha256, file.size):
        return
    url = join_url(one.location, file.path)
    try:
        fetcher.take(
            url, file.size, lambda chunks: depot.put_stream(chunks, file.sha256, file.size)
        )
    except FetchError as error:
        moved = "the archive has moved on; read its source again" if error.is_missing else ""
        raise ContentError(str(error), hint=error.hint or moved) from error
    except ContentError as error:
        raise ContentError(f"{url}: {error}", hint=error.hint) from error
