"""Manifests as they were before one commit, with everything that came later (C1)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import git
from git.objects import Blob, Commit

from reconciler.model.errors import ProposalError, SourceError
from reconciler.source.documents import LARGEST_FILE
from reconciler.source.editing import Workspace

_MOST_FILES = 10_000
_TIMEOUT_SECONDS = 30
_SUFFIXES = (".yaml", ".yml", ".csv")


def revert(workspace: Workspace, folder: Path, name: str) -> Commit:
    """Undo in the workspace what a commit did to the manifests of a folder, and give the commit.

    Of a merge, what it brought to its first parent. Raises ProposalError where a later change
    stands in the way, and SourceError where there is no such commit.
    """
    try:
        with git.Repo(folder, search_parent_directories=True) as repository:
            commit = _find(repository, name)
            below = folder.resolve().relative_to(Path(str(repository.working_dir)).resolve())
            _undo(workspace, dict(_changes(commit, below.as_posix())))
            return commit
    except (git.GitError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"{folder} is in no git repository that can be read: {reason:.200}"
        raise SourceError(message, hint="name a folder of a working copy") from error


def _find(repository: git.Repo, name: str) -> Commit:
    hint = "write a commit of this repository"
    if name.startswith("-") or not name.isprintable():
        raise SourceError(f"{name!r:.80} is no commit", hint=hint)
    try:
        found = repository.commit(name)
    except (git.BadName, git.BadObject, ValueError, IndexError) as error:
        raise SourceError(f"there is no commit {name!r:.80}", hint=hint) from error
    if not found.parents:
        message = f"commit {found.hexsha[:12]} is the first one: nothing was there before it"
        raise ProposalError(message, hint="name a later one")
    return found


def _changes(commit: Commit, below: str) -> Iterator[tuple[str, tuple[bytes | None, bytes | None]]]:
    """Give what each manifest was before the commit and what it is in it; None: not there."""
    prefix = "" if below == "." else f"{below}/"
    changes = commit.parents[0].diff(commit, no_renames=True)
    if len(changes) > _MOST_FILES:
        raise ProposalError(f"commit {commit.hexsha[:12]} changes more than {_MOST_FILES:,} files")
    for change in changes:
        path = str(change.b_path or change.a_path)
        if path.startswith(prefix) and path.endswith(_SUFFIXES):
            yield path.removeprefix(prefix), (_content(change.a_blob), _content(change.b_blob))


def _content(blob: Blob | None) -> bytes | None:
    if blob is None:
        return None
    content = bytes(blob.data_stream.read(LARGEST_FILE + 1))
    if len(content) > LARGEST_FILE:
        raise ProposalError(f"{blob.path} is larger than 4 MiB")
    return content


def _undo(workspace: Workspace, changes: Mapping[str, tuple[bytes | None, bytes | None]]) -> None:
    for path, (earlier, then) in changes.items():
        now = workspace.files.get(path)
        made = earlier if now == then else _merged(path, now, then, earlier)
        if made is None:
            workspace.files.pop(path, None)
        else:
            workspace.files[path] = made


def _merged(path: str, now: bytes | None, then: bytes | None, earlier: bytes | None) -> bytes:
    if now is None or then is None or earlier is None:
        what = "was removed" if now is None else "was changed or made anew"
        raise ProposalError(f"{path} {what} after the commit", hint="revert the later change first")
    with TemporaryDirectory(prefix="patchwright-revert-") as folder:
        for name, content in (("now", now), ("then", then), ("earlier", earlier)):
            (Path(folder) / name).write_bytes(content)
        done = subprocess.run(
            ["git", "merge-file", "--stdout", "--quiet", "now", "then", "earlier"],  # noqa: S607
            cwd=folder,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    if done.returncode:
        message = f"{path}: the same lines were changed after the commit"
        raise ProposalError(message, hint="revert the later change first, or edit it by hand")
    return done.stdout
