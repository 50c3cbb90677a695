"""Capture the files of a release, so that no mirror can change what is installed (S18)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from reconciler.content.closure import Placed, add_dependencies, place
from reconciler.content.depot import Depot
from reconciler.fetch import Fetcher, FetchError, join_url
from reconciler.model.canonical import canonical_json
from reconciler.model.codec import encode
from reconciler.model.errors import ContentError
from reconciler.model.objects import ContentFile, Package, PackageManifest
from reconciler.model.updates import PackageFile, Update

INDEX = "Packages"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~_-]*", re.ASCII)
_FILE_FIELD = re.compile(r"^Filename:[^\n]*$", re.MULTILINE)


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
    chosen = place(updates, architectures)
    complete = add_dependencies(chosen, place(index, architectures), architectures)
    named = _by_file_name(complete)
    # All paragraphs before the first fetch: what cannot be indexed need not be fetched.
    listing = "".join(f"{_paragraph(name, one.file)}\n\n" for name, one in named.items())
    for one in named.values():
        _fetch(one, depot, fetcher)
    content = listing.encode()
    files = [ContentFile(name, one.file.sha256, one.file.size) for name, one in named.items()]
    files.append(ContentFile(INDEX, depot.put(content), len(content)))
    files.sort(key=lambda file: file.path)
    manifest = PackageManifest(package.id, package.version, tuple(files))
    return depot.put(canonical_json(encode(manifest))), sum(file.size for file in files)


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
    name = f"{file.name}_{file.version}_{file.architecture}".replace(":", "_")
    if _SAFE.fullmatch(name) is None:
        raise ContentError(f"{name!r:.200} can be no file's name")
    return f"{name}.deb"


def _paragraph(name: str, file: PackageFile) -> str:
    paragraph, count = _FILE_FIELD.subn(f"Filename: ./{name}", file.control.strip())
    if count != 1 or "\n\n" in paragraph:
        raise ContentError(
            f"the catalog has no index paragraph of {name}", hint="read its source again"
        )
    return paragraph


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
