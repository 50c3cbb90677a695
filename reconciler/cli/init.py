"""`patchwright init`: a repository of manifests to start from."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from reconciler.cli.output import print_lines
from reconciler.cli.problem_outputs.text import printable
from reconciler.model.errors import ReconcilerError

STARTER = Path(__file__).parent / "starter"
_GIT = ".git"


def init_repository(folder: Path, *, git: bool) -> int:
    """Write the repository, whole or not at all, and say what to do next."""
    try:
        count = _write(folder, git=git)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ReconcilerError(f"{error.filename or folder} cannot be written: {reason}") from error
    print_lines(
        [
            f"{count} files written to {printable(str(folder))}",
            f"next: patchwright validate {printable(str(folder))}",
            f"      {printable(str(folder / 'README.md'))} says how to make it yours",
        ]
    )
    return 0


def _write(folder: Path, *, git: bool) -> int:
    """Lay everything out beside its place, then move it there; undo what a failure leaves."""
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    _refuse_unless_empty(folder)
    moved: list[Path] = []
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".patchwright-init-") as name:
            draft = Path(name)
            count = _lay_out(draft)
            if git and not (folder / _GIT).exists():
                _make_git_repository(draft)
            _move(draft, folder, moved)
    except BaseException:
        _undo(folder, moved, is_new=is_new)
        raise
    return count


def _refuse_unless_empty(folder: Path) -> None:
    """A clone of an empty repository counts as empty."""
    present = sorted(entry.name for entry in folder.iterdir() if entry.name != _GIT)
    if present:
        hint = "name a new or an empty folder, or a clone of an empty repository"
        raise ReconcilerError(f"{folder} is not empty: it holds {present[0]!r:.120}", hint=hint)


def _lay_out(draft: Path) -> int:
    if not STARTER.is_dir():
        hint = "install Patchwright from a wheel, or from a checkout with its symbolic links"
        raise ReconcilerError(f"{STARTER} is not here, and so nothing to write", hint=hint)
    count = 0
    for source in _starter_files():
        target = draft / source.relative_to(STARTER)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Not the rights of the installed package: those of a new file of whoever asks.
        shutil.copyfile(source, target)
        count += 1
    return count


def _starter_files() -> Iterator[Path]:
    """Give every file; in a checkout the folder and its schemas are links."""
    for above, _, names in os.walk(STARTER, followlinks=True):
        yield from (Path(above) / name for name in names)


def _move(draft: Path, folder: Path, moved: list[Path]) -> None:
    """Move everything up one folder, noting what has been moved."""
    for entry in sorted(draft.iterdir()):
        target = folder / entry.name
        entry.rename(target)
        moved.append(target)


def _make_git_repository(draft: Path) -> None:
    hint = "install git, or leave --git out"
    try:
        # The module itself looks for the program, which nothing else here needs.
        from git import Repo
        from git.exc import GitError
    except ImportError as error:
        raise ReconcilerError("git is not installed", hint=hint) from error
    try:
        Repo.init(draft, initial_branch="main").close()
    except GitError as error:
        raise ReconcilerError(f"git init failed: {error}", hint=hint) from error


def _undo(folder: Path, moved: list[Path], *, is_new: bool) -> None:
    for path in moved:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if is_new:
        with suppress(OSError):
            folder.rmdir()
