"""Runs one program that must outlive the agent: `python -m reconciler.agent.detached DIR -- …`.

It holds the open file that was handed to it, whose lock tells that the program still runs; keeps
the program's output in DIR/output within bounds; leaves its exit code in DIR/code, and says in
DIR/group which process group is ended by whoever ends it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from reconciler.agent.home import write_atomically

_KEEP = 64 * 1024
_TOO_LONG = 1024 * 1024
_LOOK_EVERY = 0.05
_CANNOT_START = 127


def main(arguments: list[str]) -> int:
    """Run the program after `--` to its end, however long it takes."""
    directory, command = Path(arguments[0]), arguments[2:]
    output = directory / "output"
    (directory / "group").write_text(str(os.getpgrp()), encoding="ascii")
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=descriptor, stderr=subprocess.STDOUT
        )
        code = _watch(child, output)
    except OSError as error:
        os.write(descriptor, f"cannot start {command[0]}: {error.strerror}\n".encode())
        code = _CANNOT_START
    write_atomically(directory / "code", str(code).encode())
    return 0


def _watch(child: subprocess.Popen[bytes], output: Path) -> int:
    while True:
        try:
            return child.wait(_LOOK_EVERY)
        except subprocess.TimeoutExpired:
            if output.stat().st_size > _TOO_LONG:
                _shorten(output)
        time.sleep(_LOOK_EVERY)


def _shorten(path: Path) -> None:
    """Keep the end. The program appends, so it goes on after what is left."""
    with path.open("r+b") as file:
        file.seek(-_KEEP, os.SEEK_END)
        end = file.read(_KEEP)
        file.seek(0)
        file.truncate()
        file.write(end)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
