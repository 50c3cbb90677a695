"""Processes that still run what an update has replaced: their files are deleted (A3)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from reconciler.agent.home import read_bounded

_NAME_LIMIT = 256
_MAPS_LIMIT = 4 * 1024 * 1024
_DELETED = " (deleted)"
# Where packages put programs and libraries; elsewhere a deleted file is a program's own affair.
_CODE = ("/usr/", "/lib", "/bin/", "/sbin/", "/opt/")
_MAPS_COLUMNS = 6


def list_stale_processes(root: Path) -> tuple[str, ...]:
    """Name the programs that run deleted code on this root, sorted, each once.

    `ROOT/proc` tells the processes; those of other roots are another machine's.
    """
    names = {
        read_name(int(process.name), process.parent)
        for process in _processes(root / "proc")
        if _lives_on(process, root) and _maps_deleted_code(process, root)
    }
    return tuple(sorted(name for name in names if name))


def read_name(process: int, proc: Path = Path("/proc")) -> str:
    """Give the short name of a process, or nothing where it is gone."""
    try:
        content = read_bounded(proc / str(process) / "comm", _NAME_LIMIT)
    except (OSError, ValueError):
        return ""
    return content.decode(errors="replace").strip()


def _processes(proc: Path) -> Iterator[Path]:
    try:
        entries = sorted(proc.iterdir())
    except OSError:
        return iter(())
    return (entry for entry in entries if entry.name.isdigit())


def _lives_on(process: Path, root: Path) -> bool:
    try:
        return (process / "root").readlink() == root
    except OSError:
        return False


def _maps_deleted_code(process: Path, root: Path) -> bool:
    try:
        text = read_bounded(process / "maps", _MAPS_LIMIT).decode(errors="replace")
    except (OSError, ValueError):
        return False
    prefix = "" if root == Path("/") else os.fspath(root)
    begins = tuple(prefix + place for place in _CODE)
    for line in text.splitlines():
        columns = line.split(None, _MAPS_COLUMNS - 1)
        if len(columns) < _MAPS_COLUMNS or "x" not in columns[1]:
            continue
        if columns[5].endswith(_DELETED) and columns[5].startswith(begins):
            return True
    return False
