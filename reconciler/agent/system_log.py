"""The machine's own log, for what its administrator must see without our site (E2)."""

from __future__ import annotations

import os
import socket
from contextlib import closing, suppress
from pathlib import Path

from reconciler.agent.redaction import redact

_DAEMON_ERROR = 3 << 3 | 3
_LONGEST = 1000


class SystemLog:
    """Writes to ROOT/dev/log, where syslog or the journal listens; silent where nobody does."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "dev"

    def tell_failure(self, text: str) -> None:
        """Write one line of the facility daemon and the level error, without secrets."""
        line = " ".join(redact(text).split())[:_LONGEST]
        message = f"<{_DAEMON_ERROR}>patchwright-agent[{os.getpid()}]: {line}".encode()
        with suppress(OSError):
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as log:
                    log.settimeout(0)
                    # A socket's whole path has to be short, and that of a root may not be.
                    log.sendto(message, f"/proc/self/fd/{folder}/log")
            finally:
                os.close(folder)
