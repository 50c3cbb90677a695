"""The machine's running system: which boot and which kernel it is, and its restart."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.agent.errors import CommandError
from reconciler.agent.home import read_bounded
from reconciler.agent.process import Runner, check

_LIMIT = 4096
_SHUTDOWN = ("/usr/sbin/shutdown", "/sbin/shutdown")


@dataclass(frozen=True)
class Kernel:
    """What runs: `release` as `uname -r` and `version` as `uname -v` tell; both may be empty."""

    release: str
    version: str


class Boot:
    """Read from ROOT/proc, so that a root that is no running machine has no kernel and no boot."""

    def __init__(self, root: Path, restart_command: Sequence[str], runner: Runner) -> None:
        self._root = root
        self._command = tuple(restart_command)
        self._runner = runner

    def identity(self) -> str:
        """Give what differs from one boot to the next, or nothing where it is not known."""
        return self._read("random/boot_id")

    def kernel(self) -> Kernel:
        """Give the kernel that runs."""
        return Kernel(self._read("osrelease"), self._read("version"))

    def can_restart(self) -> bool:
        """Tell whether there is a command that restarts this machine."""
        return bool(self._find_command())

    def restart(self) -> None:
        """Ask the machine to restart; raises CommandError where it does not obey."""
        command = self._find_command()
        if not command:
            raise CommandError("nothing restarts this root: restartCommand is not set")
        check(self._runner(command, {}), "the restart command")

    def _find_command(self) -> tuple[str, ...]:
        if self._command or self._root != Path("/"):
            return self._command
        return next(((place, "-r", "now") for place in _SHUTDOWN if os.access(place, os.X_OK)), ())

    def _read(self, name: str) -> str:
        try:
            content = read_bounded(self._root / "proc/sys/kernel" / name, _LIMIT)
        except (OSError, ValueError):
            return ""
        return content.decode(errors="replace").strip()
