"""What the machine's own administrator decides: ROOT/etc/patchwright/agent.json."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from pathlib import Path

from reconciler.agent.errors import AgentError
from reconciler.model.codec import decode

PLACE = Path("etc/patchwright/agent.json")
_LIMIT = 256 * 1024
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Conffiles(str, Enum):
    """What becomes of a configuration file that was edited here and has changed in a package."""

    KEEP = "keep"
    REPLACE = "replace"


@dataclass(frozen=True)
class Configuration:
    """All of it has defaults.

    `hooks` are commands by the names that rollouts use; `lock_patience` is in seconds, how long
    another program may work on the packages before a run is refused; `min_free_mb` stays free on
    every disk that packages go to; `user_group` may speak to the agent's socket beside root;
    `notify` is a command that shows its last argument to the users; `restart_command` restarts
    the machine.
    """

    hooks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    conffiles: Conffiles = Conffiles.KEEP
    lock_patience: timedelta = timedelta(minutes=10)
    min_free_mb: int = 10
    user_group: str = ""
    notify: tuple[str, ...] = ()
    restart_command: tuple[str, ...] = ()


def load_configuration(root: Path) -> Configuration:
    """Read the file, or give the defaults where there is none.

    Raises AgentError where it is not JSON of the right form, or where others than root could
    have written it: it names commands that run as root.
    """
    path = root / PLACE
    try:
        content = _read_own(path)
    except FileNotFoundError:
        return Configuration()
    except OSError as error:
        raise AgentError(f"cannot read {path}: {error.strerror}") from error
    try:
        made = decode(Configuration, json.loads(content))
        _check(made)
    except (ValueError, RecursionError) as error:
        raise AgentError(
            f"{path} is wrong: {error}", hint="docs/agent.md shows what it may hold"
        ) from error
    return made


def _read_own(path: Path) -> bytes:
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        if found.st_uid not in {0, os.geteuid()} or found.st_mode & _OTHERS_WRITE:
            raise AgentError(
                f"{path} may be written by others than root",
                hint=f"chown root {path} && chmod go-w {path}",
            )
        content = file.read(_LIMIT + 1)
    if len(content) > _LIMIT:
        raise AgentError(f"{path} is larger than {_LIMIT} bytes")
    return content


def _check(made: Configuration) -> None:
    commands = {**made.hooks, "notify": made.notify, "restartCommand": made.restart_command}
    for name, words in commands.items():
        if name in made.hooks and not words:
            message = f"the hook {name!r:.80} is empty"
            raise ValueError(message)
        if words and not words[0].startswith("/"):
            message = f"the program of {name!r:.80} is not an absolute path: {words[0]!r:.200}"
            raise ValueError(message)
    if made.min_free_mb < 0 or made.lock_patience < timedelta(0):
        message = "minFreeMb and lockPatience must not be negative"
        raise ValueError(message)
