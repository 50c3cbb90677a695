"""Records as bytes, from a folder, an archive or a single file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from reconciler.catalog.archive import (
    LARGEST_RECORD,
    MOST_BYTES,
    MOST_FILES,
    Member,
    is_archive,
    read_archive,
    too_large,
)
from reconciler.model.errors import CatalogError

_DEEPEST = 32


def read_records(content: bytes, where: str) -> Iterator[Member]:
    """Give the records of an archive, or the one of a plain JSON file; raises CatalogError."""
    if is_archive(content):
        return read_archive(content, where)
    return iter([(where, content if len(content) <= LARGEST_RECORD else too_large())])


def read_record_folder(folder: Path) -> Iterator[Member]:
    """Give the JSON files below a folder by their paths in it, in order of them.

    Hidden files and linked folders are passed over; a link to a file comes with that reason.
    Raises CatalogError where the folder cannot be read or holds more than the limits.
    """
    left = MOST_BYTES
    try:
        for number, (name, path) in enumerate(_walk(folder, "", _DEEPEST), 1):
            content = _read(path)
            left -= len(content) if isinstance(content, bytes) else 0
            if number > MOST_FILES or left < 0:
                limits = f"{MOST_FILES:,} records, or {MOST_BYTES >> 20} MiB of them"
                raise CatalogError(f"{folder} holds more than {limits}", hint="check the path")
            yield name, content
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CatalogError(f"{error.filename or folder} cannot be read: {reason}") from error


def _walk(folder: Path, below: str, levels: int) -> Iterator[tuple[str, Path]]:
    if not levels:
        raise CatalogError(f"{folder} is nested deeper than {_DEEPEST} folders")
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{below}{entry.name}/", levels - 1)
        elif entry.name.endswith(".json"):
            yield f"{below}{entry.name}", Path(entry.path)


def _read(path: Path) -> bytes | str:
    """Read a file, or say why it cannot be: one that is unreadable must not fail the rest."""
    if path.is_symlink():
        return "it is a link, which is not followed"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return "it is no regular file"
            content = stream.read(LARGEST_RECORD + 1)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return content if len(content) <= LARGEST_RECORD else too_large()
