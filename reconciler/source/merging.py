"""A change in a local repository: what its base holds, and what merging it would hold.

The merge is made in git's objects alone, and those are thrown away: neither the work tree, nor
the index, nor the repository is touched.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import git
from git.exc import ODBError
from git.objects import Commit, Tree

from reconciler.model.errors import SourceError
from reconciler.model.times import UTC
from reconciler.ports import Checkout
from reconciler.source.trailers import read_grants
from reconciler.source.trees import read_file, read_tree

_TIMEOUT = timedelta(minutes=2)
_CONFLICT = 1
_FOLDER = 0o040000
_LONGEST_REVISION = 255
_MOST_NAMED = 5
_BROKEN = (git.GitError, ODBError, ValueError, KeyError, OSError, EOFError)
_ENVIRONMENT = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Change:
    """The manifests of the base, and of the merge of base and head.

    `merged` has the head's commit, for a merge that was never made has none.
    """

    base: Checkout
    merged: Checkout


def read_change(folder: Path, base: str, head: str, applied: str = "") -> Change:
    """Read a change of the repository that the folder is in; manifests are those below it.

    The revisions are in any of git's spellings. `applied` is the commit that was carried out
    last: those since then may grant something. Raises SourceError, for a conflict too.
    """
    with _opened(folder) as repository:
        ours, theirs = (_commit(repository, name) for name in (base, head))
        merged = Tree(repository, bytes.fromhex(_merge(repository, ours, theirs)), _FOLDER, "")
        below = _below(repository, folder)
        return Change(
            _checkout(repository, ours, (ours.tree, below), applied),
            _checkout(repository, theirs, (merged, below), applied),
        )


def read_pins(folder: Path, base: str, paths: Iterable[str]) -> Mapping[str, bytes]:
    """Give small files of the base below the folder, those that it has: no change brings its own.

    Raises SourceError.
    """
    with _opened(folder) as repository:
        tree, below = _commit(repository, base).tree, _below(repository, folder)
        found = {path: read_file(tree, f"{below}/{path}".lstrip("/")) for path in paths}
        return {path: content for path, content in found.items() if content is not None}


@contextmanager
def _opened(folder: Path) -> Iterator[git.Repo]:
    try:
        with ExitStack() as stack:
            found = git.Repo(folder, odbt=git.GitCmdObjectDB, search_parent_directories=True)
            repository = stack.enter_context(found)
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="patchwright-merge-"))
            environment = _environment(repository, scratch)
            stack.enter_context(repository.git.custom_environment(**environment))
            yield repository
    except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
        message = f"{folder} is in no git repository"
        raise SourceError(message, hint="name a folder of the checked out repository") from error
    except _BROKEN as error:
        message = f"the repository of {folder} cannot be read: {error!s:.300}"
        raise SourceError(message, hint="`git fsck` tells more") from error


def _environment(repository: git.Repo, scratch: str) -> dict[str, str]:
    """Have new objects written where they are thrown away; the repository's are still read."""
    objects = repository.git.rev_parse("--git-path", "objects")
    top = Path(repository.working_dir)
    return {
        **_ENVIRONMENT,
        "GIT_OBJECT_DIRECTORY": scratch,
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((top / objects).resolve()),
    }


def _checkout(
    repository: git.Repo, commit: Commit, place: tuple[Tree, str], applied: str
) -> Checkout:
    try:
        files = read_tree(*place)
    except SourceError as error:
        message = f"the repository {error} at {commit.hexsha[:12]}"
        raise SourceError(message, hint=error.hint) from error
    committed_at = commit.committed_datetime.astimezone(UTC)
    grants = read_grants(repository, applied, commit)
    return Checkout(commit.hexsha, committed_at, files, grants)


def _commit(repository: git.Repo, name: str) -> Commit:
    is_plain = 0 < len(name) <= _LONGEST_REVISION and name.isprintable()
    if is_plain and not name.startswith("-"):
        try:
            found = repository.git.rev_parse("--verify", "--quiet", f"{name}^{{commit}}")
            return Commit(repository, bytes.fromhex(found))
        except git.GitCommandError:
            pass
    message = f"there is no commit {name!r:.80} in the repository"
    hint = "fetch it first; in CI the whole history has to be there (fetch-depth: 0)"
    raise SourceError(message, hint=hint)


def _merge(repository: git.Repo, base: Commit, head: Commit) -> str:
    """Give the id of the tree that merging makes."""
    status, said, complaint = repository.git.execute(
        ["git", "merge-tree", "--write-tree", "--name-only", "--no-messages", "-z",
         base.hexsha, head.hexsha],
        with_extended_output=True, with_exceptions=False, stdout_as_string=False,
        kill_after_timeout=_TIMEOUT.total_seconds(),
    )  # fmt: skip
    tree, *names = [part.decode("utf-8", "replace") for part in bytes(said).split(b"\0")]
    if status == 0:
        return tree
    if status == _CONFLICT:
        told = [name for name in names if name]
        more = ", …" if len(told) > _MOST_NAMED else ""
        message = f"the change conflicts with its base in {', '.join(told[:_MOST_NAMED])}{more}"
        raise SourceError(message, hint="merge or rebase it on its base first")
    message = f"the change cannot be merged: {str(complaint).strip():.300}"
    hint = "git 2.38 or newer, and in CI the whole history (fetch-depth: 0), are needed"
    raise SourceError(message, hint=hint)


def _below(repository: git.Repo, folder: Path) -> str:
    top = repository.working_tree_dir
    if top is None:
        return ""
    below = folder.resolve().relative_to(Path(top).resolve()).as_posix()
    return "" if below == "." else below
