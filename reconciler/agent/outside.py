"""Programs run outside of the agent's own unit, which is hardened and may be restarted."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Optional

from reconciler.agent.errors import CommandError

_SYSTEMD = Path("/run/systemd/system")
_PLACES = ("/usr/bin/systemd-run", "/bin/systemd-run")


def go_outside(
    command: Sequence[str], environment: Mapping[str, str], limit: Optional[timedelta] = None
) -> list[str]:
    """Put a command into a unit of its own where systemd runs the machine and we are root.

    systemd itself starts it: neither the hardening of the agent's unit covers it, nor does a
    restart or an upgrade of the agent end it. Its output and exit code come to us as before.
    Past the limit systemd ends all of it. Raises CommandError where there is no systemd-run.

    systemd puts variables into the words after the first, as of `ExecStart=`; a doubled dollar
    sign is one that stays as it is.
    """
    if not _SYSTEMD.is_dir() or os.geteuid() != 0:
        return list(command)
    program = next((place for place in _PLACES if os.access(place, os.X_OK)), None)
    if program is None:
        raise CommandError("systemd runs this machine, but systemd-run is not there")
    first, *others = command
    words = [first, *(word.replace("$", "$$") for word in others)]
    return [program, *unit_options(environment, limit), "--", *words]


def unit_options(environment: Mapping[str, str], limit: Optional[timedelta]) -> list[str]:
    """Say how the unit is made; a proxy that holds a password is left out: others could see it."""
    shown = {name: text for name, text in environment.items() if "@" not in text}
    options = ["--quiet", "--collect", "--wait", "--pipe", "--service-type=exec"]
    options += [f"--setenv={name}={text}" for name, text in sorted(shown.items())]
    if limit is not None:
        options.append(f"--property=RuntimeMaxSec={max(1, int(limit.total_seconds()))}")
    return options
