"""Locks that other programs hold on files."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from reconciler.agent.errors import CommandError


def is_locked(path: Path) -> bool:
    """Tell whether another process holds a lock on the file; raises CommandError."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CommandError(f"cannot open {path}: {error.strerror}") from error
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return True
    finally:
        # Closing also gives the lock back.
        os.close(file)
    return False
