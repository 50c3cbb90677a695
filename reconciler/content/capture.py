"""Capture the files of a release, so that no mirror can change what is installed (S18)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from reconciler.content.depot import Depot
from reconciler.fetch import Fetcher, FetchError, join_url
from reconciler.model.canonical import canonical_json
from reconciler.model.codec import encode
from reconciler.model.errors import ContentError
from reconciler.model.objects import ContentFile, Package, PackageManifest
from reconciler.model.updates import PackageFile, Update

INDEX = "Packages"
_ANY = "all"
_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9.+~_-]")
_FILE_FIELD = re.compile(r"^Filename:.*$", re.MULTILINE)


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
    wanted = {_ANY, *architectures}
    located = [
        (update.location, file)
        for update in (*updates, *_dependencies(updates, index, wanted))
        for file in update.packages
        if file.architecture in wanted
    ]
    unique = {file.sha256: (location, file) for location, file in located}
    chosen = sorted(unique.values(), key=lambda one: _file_name(one[1]))
    for location, file in chosen:
        _fetch(location, file, depot, fetcher)
    listing = "\n\n".join(_paragraph(file) for _, file in chosen).encode() + b"\n"
    files = [ContentFile(_file_name(file), file.sha256, file.size) for _, file in chosen]
    files.append(ContentFile(INDEX, depot.put(listing), len(listing)))
    manifest = PackageManifest(package.id, package.version, tuple(files))
    return depot.put(canonical_json(encode(manifest))), sum(file.size for file in files)


def dependency_names(depends: str) -> Iterator[tuple[str, ...]]:
    """Give each dependency's alternatives by name, without versions and architectures."""
    for group in depends.split(","):
        names = (_NAME.match(choice.strip()) for choice in group.split("|"))
        found = tuple(match.group() for match in names if match is not None)
        if found:
            yield found


def _dependencies(
    updates: Sequence[Update], index: Sequence[Update], wanted: Collection[str]
) -> list[Update]:
    """Give the updates of the index that hold what these depend on, followed to the end.

    Of alternatives the first that the index has is taken; what it has not is expected to be
    installed already, and the agent's simulation says so before anything happens.
    """
    holders = _newest_by_name(index, wanted)
    ids = {update.id for update in updates}
    found: list[Update] = []
    waiting = list(updates)
    while waiting:
        for name in _names_needed(waiting.pop().packages, holders, wanted):
            holder = holders[name]
            if holder.id not in ids:
                ids.add(holder.id)
                found.append(holder)
                waiting.append(holder)
    return found


def _newest_by_name(index: Sequence[Update], wanted: Collection[str]) -> dict[str, Update]:
    """Give the update that holds each binary package and that no other one supersedes."""
    superseded = {older for update in index for older in update.supersedes}
    return {
        file.name: update
        for update in sorted(index, key=lambda update: update.id)
        if update.id not in superseded
        for file in update.packages
        if file.architecture in wanted
    }


def _names_needed(
    files: Iterable[PackageFile], holders: Collection[str], wanted: Collection[str]
) -> Iterator[str]:
    own = {file.name for file in files}
    for file in files:
        if file.architecture not in wanted:
            continue
        for names in dependency_names(file.depends):
            first = next((name for name in names if name in holders), None)
            if first is not None and own.isdisjoint(names):
                yield first


def _fetch(location: str, file: PackageFile, depot: Depot, fetcher: Fetcher) -> None:
    if depot.path_of(file.sha256) is not None:
        return
    url = join_url(location, file.path)
    with _naming(url):
        depot.put_stream(fetcher.stream(url, file.size), file.sha256, file.size)


@contextmanager
def _naming(url: str) -> Iterator[None]:
    try:
        yield
    except FetchError as error:
        raise ContentError(str(error), hint="the archive may have moved on") from error
    except ContentError as error:
        text = str(error) if url in str(error) else f"{url}: {error}"
        raise ContentError(text, hint=error.hint) from error


def _file_name(file: PackageFile) -> str:
    """Name a file in the flat folder: no colons of epochs, no slashes."""
    name = f"{file.name}_{file.version}_{file.architecture}.deb"
    return _UNSAFE.sub(lambda match: f"%{ord(match.group()):02x}", name)


def _paragraph(file: PackageFile) -> str:
    return _FILE_FIELD.sub(lambda _: f"Filename: ./{_file_name(file)}", file.control.strip())
