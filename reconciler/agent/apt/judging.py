"""dpkg's order and Debian's restart marks, as the judge of updates needs them (S10)."""

from __future__ import annotations

from pathlib import Path

from reconciler.agent.home import read_bounded
from reconciler.agent.judge import Judge
from reconciler.model.versions import compare_dpkg

DPKG_JUDGE = Judge(compare_dpkg, independent="all")
_RESTART_MARKS = ("run/reboot-required.pkgs", "var/run/reboot-required.pkgs")
_LIST_LIMIT = 1024 * 1024


def read_restart_packages(root: Path) -> frozenset[str]:
    """Name the packages for which the machine waits for a restart."""
    return frozenset(name for mark in _RESTART_MARKS for name in _read_words(root / mark))


def is_restart_marked(root: Path) -> bool:
    """Tell whether some package asked for a restart of the machine."""
    return bool(read_restart_packages(root)) or (root / "run/reboot-required").exists()


def _read_words(path: Path) -> list[str]:
    try:
        return read_bounded(path, _LIST_LIMIT).decode(errors="replace").split()
    except (OSError, ValueError):
        return []
