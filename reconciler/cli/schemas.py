"""Write the JSON Schemas of the kinds, or tell whether the written ones are current."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.cli.output import print_lines
from reconciler.kinds.schema import make_schemas
from reconciler.model.errors import ReconcilerError

_DONE, _DRIFT = 0, 3


def write_schemas(folder: Path) -> int:
    """Write every schema file that differs, remove those of no kind, and say which."""
    made = make_schemas()
    try:
        stale = _stale(folder, made)
        folder.mkdir(parents=True, exist_ok=True)
        for name in stale:
            if name in made:
                (folder / name).write_text(made[name], encoding="utf-8")
            else:
                (folder / name).unlink()
    except OSError as error:
        raise _unusable(folder, error) from error
    lines = [f"{folder / name}: {'written' if name in made else 'removed'}" for name in stale]
    print_lines(lines or [_current(folder)])
    return _DONE


def check_schemas(folder: Path) -> int:
    """Name the files that are not current; exit code 3 when there are any."""
    try:
        stale = _stale(folder, make_schemas())
    except OSError as error:
        raise _unusable(folder, error) from error
    lines = [f"{folder / name}: not current; run patchwright schemas write" for name in stale]
    print_lines(lines or [_current(folder)])
    return _DRIFT if stale else _DONE


def _stale(folder: Path, made: Mapping[str, str]) -> list[str]:
    """Name the files that are missing, differ, or belong to no kind."""
    present = {path.name: path for path in folder.glob("*.json")} if folder.is_dir() else {}
    differing = {
        name
        for name, text in made.items()
        if name not in present or present[name].read_bytes() != text.encode()
    }
    return sorted(differing | (present.keys() - made.keys()))


def _current(folder: Path) -> str:
    return f"{folder}: all schemas are current"


def _unusable(folder: Path, error: OSError) -> ReconcilerError:
    reason = error.strerror or type(error).__name__
    return ReconcilerError(f"{error.filename or folder} cannot be used: {reason}")
