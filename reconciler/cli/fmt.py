"""`patchwright fmt`: manifests in one layout, written only where something changes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.cli.output import print_lines
from reconciler.cli.problem_outputs.text import printable, render_problem
from reconciler.model.codes import Code
from reconciler.model.errors import SourceError
from reconciler.model.problems import Location, Problem
from reconciler.source.folder import read_folder, read_regular_file
from reconciler.source.formatting import format_manifests
from reconciler.source.selection import TABLE_SUFFIX

_DONE, _ERROR, _CHANGES_PENDING = 0, 1, 2


def format_paths(paths: Sequence[Path], *, check: bool) -> int:
    """Format all files, print what was or would be done; 2 where `check` finds changes (S31)."""
    changed: list[str] = []
    problems: list[Problem] = []
    files = {file: content for path in paths for file, content in _read(path, problems)}
    for file, content in sorted(files.items()):
        made, told = format_manifests(str(file), content)
        problems.extend(told)
        if made == content:
            continue
        if check or _write(file, made, problems):
            changed.append(str(file))
    print_lines(line for problem in sorted(problems) for line in render_problem(problem))
    verb = "would be formatted" if check else "formatted"
    print_lines(f"{printable(file)}: {verb}" for file in changed)
    print_lines([f"{len(files)} read, {len(changed)} {verb}"])
    if any(problem.is_error for problem in problems):
        return _ERROR
    return _CHANGES_PENDING if check and changed else _DONE


def _read(path: Path, problems: list[Problem]) -> Iterator[tuple[Path, bytes]]:
    try:
        if path.is_dir():
            files = read_folder(path).items()
            yield from (
                (path / name, file) for name, file in files if not name.endswith(TABLE_SUFFIX)
            )
        else:
            yield path, read_regular_file(path)
    except SourceError as error:
        problems.append(_unreadable(path, str(error), error.hint))
    except OSError as error:
        problems.append(_unreadable(path, f"it cannot be read: {_reason(error)}"))


def _write(file: Path, content: bytes, problems: list[Problem]) -> bool:
    """Put the whole new file in the old one's place, with its rights."""
    try:
        mode = file.lstat().st_mode
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".patchwright-fmt-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                os.fchmod(stream.fileno(), mode & 0o7777)
            Path(name).replace(file)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        problems.append(_unreadable(file, f"it cannot be written: {_reason(error)}"))
        return False
    return True


def _unreadable(path: Path, message: str, hint: str = "") -> Problem:
    hint = hint or "name a regular file or a folder that you may read and write, and no link"
    return Problem(Location(str(path)), Code.UNREADABLE_PATH.value, message, hint)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
