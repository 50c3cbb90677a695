"""Runs the host's programs for the lab: bounded in time and output, with stdin closed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from reconciler.model.errors import ReconcilerError

DEFAULT_TIMEOUT = timedelta(minutes=2)
OUTPUT_LIMIT = 256 * 1024

PROGRAM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Nothing is inherited: a proxy or a locale of the person who runs the lab must not change it.
_ENVIRONMENT = {"PATH": PROGRAM_PATH, "LC_ALL": "C", "TZ": "UTC"}


class LabError(ReconcilerError):
    """The lab itself could not be built; says nothing about what is tried in it."""


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    timeout: timedelta = DEFAULT_TIMEOUT,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever its exit code; keep the end of what it printed.

    The environment holds only PATH, LC_ALL, TZ and what is given. After the timeout the
    process group is killed and LabError raised.
    """
    words = [str(word) for word in command]
    with TemporaryFile() as output, TemporaryFile() as errors:
        with subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env={**_ENVIRONMENT, **(environment or {})},
            cwd=directory,
            start_new_session=True,
        ) as child:
            code = _wait(child, timeout)
        return subprocess.CompletedProcess(words, code, _tail(output), _tail(errors))


def run_or_raise(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    timeout: timedelta = DEFAULT_TIMEOUT,
) -> str:
    """Return what the program printed; LabError unless it exits 0."""
    done = run(command, environment=environment, directory=directory, timeout=timeout)
    if done.returncode:
        shown = " ".join(done.args)
        raise LabError(f"{shown} exited {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _wait(child: subprocess.Popen[bytes], timeout: timedelta) -> int:
    try:
        return child.wait(timeout.total_seconds())
    except BaseException as error:
        # Also after Ctrl-C: the child has its own session and did not hear it.
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise LabError(f"{child.args!r} was killed after {timeout}") from error
        raise


def _tail(stream: IO[bytes]) -> str:
    length = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, length - OUTPUT_LIMIT))
    return stream.read().decode(errors="replace")
