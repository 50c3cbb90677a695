"""Who holds a lock on a file: asked of the kernel, without ever taking the lock."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from reconciler.agent.errors import CommandError
from reconciler.agent.processes import read_name

# struct flock of Linux: type, whence, start, length, process id, and what fills it up.
_FLOCK = "hhqqi0q"


def describe_holder(path: Path) -> str:
    """Say which process holds the lock on a file, or nothing where nobody does."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise CommandError(f"cannot open {path}: {error.strerror}") from error
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, process = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    finally:
        os.close(file)
    if kind == fcntl.F_UNLCK:
        return ""
    if process <= 0:
        return f"a process that cannot be seen from here holds {path}"
    return f"process {process} ({read_name(process) or 'gone'}) holds {path}"
