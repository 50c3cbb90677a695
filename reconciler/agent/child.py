"""The agent's side of a program that may outlive it: start, see, wait, read what it left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Optional

from reconciler.agent.errors import CommandError
from reconciler.agent.outside import go_outside
from reconciler.agent.process import make_environment

_OUTPUT_LIMIT = 64 * 1024
_PATIENCE = 5.0
_LOOK_EVERY = 0.05
PACKAGE_PARENT = Path(__file__).resolve().parents[2]
"""What a program of ours needs on its PYTHONPATH."""


@dataclass(frozen=True)
class Ended:
    """What the program left: its exit code, if it could, and the end of its output."""

    code: Optional[int]
    output: str


class Child:
    """At most one such program, in one directory of the agent."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: Optional[subprocess.Popen[bytes]] = None

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        limit: Optional[timedelta] = None,
    ) -> None:
        """Start it in a session of its own; raises CommandError.

        Where systemd runs it, systemd ends it past the limit; elsewhere `kill` does.

        The lock is taken before it starts and lives until its last holder ends: there is no
        moment at which it runs and a later agent does not see it.
        """
        self._path.mkdir(parents=True, exist_ok=True)
        self.forget()
        with (self._path / "running").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            words = [sys.executable, "-m", "reconciler.agent.detached", str(self._path), "--"]
            try:
                self._process = subprocess.Popen(
                    [*words, *go_outside(command, make_environment(environment), limit)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=make_environment({**environment, "PYTHONPATH": str(PACKAGE_PARENT)}),
                    cwd="/",
                    start_new_session=True,
                    pass_fds=(lock.fileno(),),
                )
            except OSError as error:
                raise CommandError(f"cannot start {command[0]}: {error.strerror}") from error

    def is_running(self) -> bool:
        """Tell whether it runs, whoever started it."""
        if self._process is not None:
            self._process.poll()
        try:
            lock = os.open(self._path / "running", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def read_end(self) -> Ended:
        """Read what it left; without a code where it ended before it could write one."""
        return Ended(self._read_code(), self._read_output())

    def forget(self) -> None:
        """Delete what the last one left."""
        for name in ("code", "output", "group"):
            (self._path / name).unlink(missing_ok=True)

    def kill(self) -> None:
        """End it with all that it started in its process group; nothing where it does not run."""
        if not self.is_running():
            return
        with contextlib.suppress(OSError, ValueError):
            # Nobody else has this number while anything of the group lives.
            group = int((self._path / "group").read_text(encoding="ascii"))
            os.killpg(group, signal.SIGTERM)
            self._wait_for_end(group)
            os.killpg(group, signal.SIGKILL)
            self._wait_for_end(group)

    def _wait_for_end(self, group: int) -> None:
        """Wait a while; raises ProcessLookupError when nothing of the group is left."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            if self._process is not None:
                self._process.poll()
            os.killpg(group, 0)
            time.sleep(_LOOK_EVERY)

    def _read_code(self) -> Optional[int]:
        with contextlib.suppress(OSError, ValueError):
            return int((self._path / "code").read_text(encoding="ascii"))
        return None

    def _read_output(self) -> str:
        try:
            with (self._path / "output").open("rb") as file:
                length = file.seek(0, os.SEEK_END)
                file.seek(max(0, length - _OUTPUT_LIMIT))
                return file.read(_OUTPUT_LIMIT).decode(errors="replace")
        except FileNotFoundError:
            return ""
