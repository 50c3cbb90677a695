"""Runs programs of the machine: no shell, stdin closed, bounded in time and output."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Optional, Protocol

from reconciler.agent.errors import CommandError
from reconciler.agent.outside import go_outside
from reconciler.agent.redaction import last_lines

DEFAULT_LIMIT = timedelta(minutes=10)
_OUTPUT_LIMIT = 64 * 1024 * 1024
PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_KEPT = ("HOME", "http_proxy", "https_proxy", "no_proxy", "ftp_proxy", "PYTHONPATH")


@dataclass(frozen=True)
class Done:
    """What a program that ended left behind."""

    code: int
    output: str
    errors: str


class Runner(Protocol):
    """Runs one program to its end."""

    def __call__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        limit: Optional[timedelta] = DEFAULT_LIMIT,
    ) -> Done:
        """Give how it ended; raises CommandError when it cannot start or passes the limit."""


def make_environment(additions: Mapping[str, str]) -> dict[str, str]:
    """Build a program's environment: only PATH, the C locale, proxies, and the additions."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PATH": ":".join(PATH), "LC_ALL": "C", "LANGUAGE": "C", **additions}


def run_command(
    command: Sequence[str],
    environment: Mapping[str, str],
    limit: Optional[timedelta] = DEFAULT_LIMIT,
) -> Done:
    """Run a program in a session of its own, so that what stops the agent does not reach it.

    Past the limit its process group is killed; without a limit it may take its time, as dpkg must.
    """
    with TemporaryFile() as output, TemporaryFile() as errors:
        words = go_outside(command, make_environment(environment), limit)
        try:
            child = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=make_environment(environment),
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise CommandError(f"cannot start {command[0]}: {error.strerror}") from error
        code = _wait(child, limit)
        return Done(code, _read(output), _read(errors))


def inside_root(root: Path, command: Sequence[str]) -> list[str]:
    """Give what runs a command as the root sees it."""
    return list(command) if root == Path("/") else ["chroot", str(root), *command]


def check(done: Done, what: str) -> str:
    """Give what the program printed; raises CommandError unless it ended with code 0."""
    if done.code != 0:
        said = last_lines(done.errors or done.output, 500)
        raise CommandError(f"{what} ended with code {done.code}: {said}")
    return done.output


def _wait(child: subprocess.Popen[bytes], limit: Optional[timedelta]) -> int:
    if limit is None:
        return child.wait()
    try:
        return child.wait(limit.total_seconds())
    except BaseException as error:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise CommandError(f"{child.args!r:.200} took longer than {limit}") from error
        raise


def _read(stream: IO[bytes]) -> str:
    length = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, length - _OUTPUT_LIMIT))
    return stream.read(_OUTPUT_LIMIT).decode(errors="replace")
