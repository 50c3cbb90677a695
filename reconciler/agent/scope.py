"""A place of its own for what must outlive the agent's unit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from reconciler.agent.errors import CommandError


def scope_command(command: Sequence[str]) -> list[str]:
    """Put a command into a scope of its own where systemd runs the machine.

    Then neither a restart nor an upgrade of the agent's own unit ends dpkg.
    """
    if not Path("/run/systemd/system").is_dir():
        return list(command)
    for place in ("/usr/bin/systemd-run", "/bin/systemd-run"):
        if os.access(place, os.X_OK):
            return [place, "--scope", "--quiet", "--collect", "--", *command]
    raise CommandError("systemd runs this machine, but systemd-run is not there")
