"""The manifests of a commit's tree, read without checking anything out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from git.objects import Blob, Tree

from reconciler.model.errors import SourceError
from reconciler.source.documents import LARGEST_FILE
from reconciler.source.selection import (
    IGNORE_FILE,
    LARGEST_IGNORE_FILE,
    MOST_BYTES,
    MOST_FILES,
    Selection,
    make_selection,
)

_REGULAR_MODES = frozenset({0o100644, 0o100755})
_DEEPEST_FOLDER = 64


def read_tree(tree: Tree, sub_path: str) -> Mapping[str, bytes]:
    """Give the manifests below a folder of a tree by their paths within it.

    Raises SourceError, whose text goes on after the repository's name and before the revision's.
    """
    top = _folder(tree, sub_path)
    files: dict[str, bytes] = {}
    left = MOST_BYTES
    for path, blob in _walk(top, "", _selection(top), _DEEPEST_FOLDER):
        content = blob.data_stream.read(LARGEST_FILE + 1)
        left -= len(content)
        if left < 0 or len(files) >= MOST_FILES:
            message = f"has more than {MOST_FILES:,} manifests, or 512 MiB of them"
            raise SourceError(message, hint="check the sub-path")
        files[path] = content
    if not files:
        message = f"has no manifest in {sub_path or '.'}"
        raise SourceError(message, hint="check the ref and the sub-path")
    return files


def _folder(tree: Tree, sub_path: str) -> Tree:
    for part in sub_path.split("/") if sub_path else ():
        found = next((one for one in tree.trees if one.name == part), None)
        if found is None:
            message = f"has no folder {sub_path!r}"
            raise SourceError(message, hint="check the sub-path")
        tree = found
    return tree


def check_sub_path(sub_path: str) -> str:
    parts = [part for part in sub_path.split("/") if part not in {"", "."}]
    if sub_path.startswith("/") or ".." in parts or not sub_path.isprintable():
        message = f"{sub_path!r:.80} is not a folder within the repository"
        raise SourceError(message, hint="write a path below the top, as manifests")
    return "/".join(parts)


def _selection(top: Tree) -> Selection:
    blob = next((one for one in top.blobs if one.name == IGNORE_FILE), None)
    if blob is None or blob.mode not in _REGULAR_MODES:
        return Selection()
    return make_selection(blob.data_stream.read(LARGEST_IGNORE_FILE + 1))


def _walk(tree: Tree, below: str, selection: Selection, levels: int) -> Iterator[tuple[str, Blob]]:
    """Give the manifests in order of their paths; links and submodules are no regular files."""
    if not levels:
        message = f"nests folders too deep below {below:.80}"
        raise SourceError(message)
    for one in tree:
        path = f"{below}{one.name}"
        if isinstance(one, Tree) and selection.wants_folder(path):
            yield from _walk(one, f"{path}/", selection, levels - 1)
        elif isinstance(one, Blob) and one.mode in _REGULAR_MODES and selection.wants_file(path):
            yield path, one


def read_file(tree: Tree, path: str, limit: int = 1 << 16) -> bytes | None:
    """Give a small regular file of a tree; nothing where there is none."""
    blob = find_file(tree, path)
    return None if blob is None or blob.size > limit else bytes(blob.data_stream.read(limit))


def find_file(tree: Tree, path: str) -> Blob | None:
    """Give a regular file of a tree; nothing where there is none, as no link is followed."""
    *folders, name = path.split("/")
    for part in folders:
        found = next((one for one in tree.trees if one.name == part), None)
        if found is None:
            return None
        tree = found
    blob = next((one for one in tree.blobs if one.name == name), None)
    return blob if blob is not None and blob.mode in _REGULAR_MODES else None
