"""Locks of dnf that nobody holds any more, though dnf itself believes in them.

dnf writes a process number into a file and takes any living process of that number for the
holder: also one that only waits to be reaped, and one that got the number after a power cut.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from reconciler.agent.dnf.restart import read_boot_time
from reconciler.agent.home import read_bounded

_LIMIT = 4096
_GONE = frozenset("ZX")
_STARTED_FIELD = 19
# Clocks step: a process has to be clearly younger than the lock to be another one.
_MARGIN_SECONDS = 60


def release_stale_locks(paths: Iterable[Path]) -> tuple[str, ...]:
    """Empty the lock files that name no holder, as dnf takes over; gives what they were."""
    return tuple(str(path) for path in paths if _release(path))


def is_holder(process: int, locked_at: float, proc: Path = Path("/proc")) -> bool:
    """Tell whether this process may have written a lock at that time, in seconds since 1970."""
    try:
        content = read_bounded(proc / f"{process}/stat", _LIMIT)
        # The name may hold anything; what follows its last bracket does not.
        fields = content.rpartition(b")")[2].decode("ascii").split()
        started = int(fields[_STARTED_FIELD]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return False
    booted_at = read_boot_time(proc / "stat")
    if fields[0] in _GONE:
        return False
    return booted_at is None or booted_at + started <= locked_at + _MARGIN_SECONDS


def _release(path: Path) -> bool:
    with suppress(OSError, ValueError), path.open("r+b") as lock:
        # As dnf does it: whoever reads or writes the number holds this lock.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        process, locked_at = int(lock.read(20)), os.fstat(lock.fileno()).st_mtime
        if not is_holder(process, locked_at):
            lock.truncate(0)
            return True
    return False
