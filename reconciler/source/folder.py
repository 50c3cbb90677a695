"""Manifests from a directory tree."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.model.errors import SourceError
from reconciler.source.documents import LARGEST_FILE
from reconciler.source.selection import (
    IGNORE_FILE,
    LARGEST_IGNORE_FILE,
    MOST_BYTES,
    MOST_FILES,
    TABLE_SUFFIX,
    Selection,
    make_selection,
)

_DEEPEST_FOLDER = 64
_NAMES_TABLES = b"CollectionSet"


def read_folder(folder: Path) -> Mapping[str, bytes]:
    """Give the manifests below a folder by their paths within it; links are not followed.

    A file that is too large is cut just above the limit, so that whoever reads it can say so.
    Raises SourceError.
    """
    try:
        selection = _selection(folder)
        return _within_limits(_walk(folder, "", selection, _DEEPEST_FOLDER))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"{error.filename or folder} cannot be read: {reason}"
        raise SourceError(message, hint="check that it exists and may be read") from error


def read_manifest(path: Path) -> Mapping[str, bytes]:
    """Give one manifest, and the tables beside it where it may name any; raises SourceError."""
    try:
        content = read_regular_file(path.resolve())
        files = {str(path): content}
        if _NAMES_TABLES in content:
            tables = sorted(path.parent.glob(f"*{TABLE_SUFFIX}"))
            found = (one for one in tables if one.is_file() and not one.is_symlink())
            files |= _within_limits((str(one), one) for one in found)
    except OSError as error:
        message = f"it cannot be read: {error.strerror or type(error).__name__}"
        raise SourceError(message, hint="check that it exists and may be read") from error
    return files


def read_beside(path: str, limit: int) -> bytes | None:
    """Give a regular file, one byte more than the limit at most; nothing where there is none."""
    try:
        return read_regular_file(Path(path), limit)
    except OSError:
        return None


def read_regular_file(path: Path, limit: int = LARGEST_FILE) -> bytes:
    """Read at most one byte more than the limit; raises OSError, for what is no file too."""
    # Neither a link nor a pipe that would never answer.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            message = "not a regular file"
            raise OSError(0, message, str(path))
        return stream.read(limit + 1)


def _selection(folder: Path) -> Selection:
    path = folder / IGNORE_FILE
    if path.is_symlink() or not path.is_file():
        return Selection()
    return make_selection(read_regular_file(path, LARGEST_IGNORE_FILE))


def _walk(
    folder: Path, below: str, selection: Selection, levels: int
) -> Iterator[tuple[str, Path]]:
    if not levels:
        message = f"{folder} is nested deeper than {_DEEPEST_FOLDER} folders"
        raise SourceError(message)
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = f"{below}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if selection.wants_folder(path):
                yield from _walk(Path(entry.path), f"{path}/", selection, levels - 1)
        elif entry.is_file(follow_symlinks=False) and selection.wants_file(path):
            yield path, Path(entry.path)


def _within_limits(found: Iterator[tuple[str, Path]]) -> Mapping[str, bytes]:
    files: dict[str, bytes] = {}
    left = MOST_BYTES
    for name, path in found:
        content = read_regular_file(path)
        left -= len(content)
        if left < 0 or len(files) >= MOST_FILES:
            message = f"there are more than {MOST_FILES:,} manifests, or 512 MiB of them"
            raise SourceError(message, hint="check the path")
        files[_printable(name)] = content
    return files


def _printable(name: str) -> str:
    """Give a name that can be written anywhere; file names may be any bytes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
