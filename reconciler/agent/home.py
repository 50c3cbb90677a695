"""The agent's own files below ROOT/var/lib/patchwright-agent, written so that any crash is safe."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Optional, TypeVar

from reconciler.agent.errors import AgentError
from reconciler.agent.memory import Memory
from reconciler.agent.spool import Spool
from reconciler.model.canonical import canonical_json
from reconciler.model.codec import decode, encode

PLACE = Path("var/lib/patchwright-agent")
_FILE_LIMIT = 64 * 1024 * 1024
T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """Where the site is and how to speak to it; `ca` names a file of certificates."""

    server: str
    ca: Optional[str] = None
    log_level: str = "info"


@dataclass(frozen=True)
class Identity:
    """Who this computer is for its site; `credential` is a secret, `public_key` hex.

    `renewed_at` is when the credential was given, in the site's time, as far as that is known.
    """

    computer: str
    credential: str
    site: str
    public_key: str
    name: str
    renewed_at: Optional[datetime] = None


@dataclass(frozen=True)
class AgentState:
    """Memory and spool together, so that one write moves both."""

    memory: Memory
    spool: Spool


class Home:
    """The directory that holds them, readable by its owner alone."""

    def __init__(self, root: Path) -> None:
        self.path = root / PLACE

    def make(self) -> None:
        """Make the directory where it is not; raises AgentError."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
        except OSError as error:
            raise AgentError(
                f"cannot use {self.path}: {error.strerror}", hint="run the agent as root"
            ) from error

    def lock(self) -> IO[bytes]:
        """Keep other agents off this machine until the file is closed; raises AgentError."""
        self.make()
        file = (self.path / "lock").open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise AgentError(
                f"another patchwright-agent works in {self.path}",
                hint="stop it first, as `run` does all that `once` and `scan` do",
            ) from error
        for leftover in self.path.glob(".*.json.*"):
            # An agent that was killed while it wrote left it.
            leftover.unlink()
        return file

    def load_settings(self) -> Optional[Settings]:
        """Read the settings; nothing where there are none yet."""
        return self._load(Settings, "settings.json")

    def save_settings(self, settings: Settings) -> None:
        """Write the settings."""
        self._save("settings.json", encode(settings))

    def load_identity(self) -> Optional[Identity]:
        """Read who we are; nothing before enrolment."""
        return self._load(Identity, "identity.json")

    def save_identity(self, identity: Identity) -> None:
        """Write who we are."""
        self._save("identity.json", encode(identity))

    def load_state(self) -> Optional[AgentState]:
        """Read memory and spool; nothing where there are none."""
        return self._load(AgentState, "state.json")

    def save_state(self, state: AgentState) -> None:
        """Write memory and spool in one step."""
        self._save("state.json", encode(state))

    def forget_state(self) -> None:
        """Delete memory and spool, which belonged to an earlier identity."""
        (self.path / "state.json").unlink(missing_ok=True)

    def _load(self, kind: type[T], name: str) -> Optional[T]:
        path = self.path / name
        try:
            return decode(kind, json.loads(read_bounded(path, _FILE_LIMIT)))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AgentError(
                f"cannot read {path}: {error.strerror}", hint="run the agent as root"
            ) from error
        except ValueError as error:
            raise AgentError(
                f"{path} is damaged: {error}",
                hint="move the file away; without identity.json the machine has to enrol again",
            ) from error

    def _save(self, name: str, value: object) -> None:
        write_atomically(self.path / name, canonical_json(value))


def read_bounded(path: Path, limit: int) -> bytes:
    """Read a whole file; raises OSError, and ValueError where it is larger than the limit."""
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        message = f"{path} is larger than {limit} bytes"
        raise ValueError(message)
    return content


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file so that after any crash it holds either the old or the new content.

    Raises AgentError where the disk does not take it.
    """
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        _sync_directory(path.parent)
    except OSError as error:
        raise AgentError(f"cannot write {path}: {error.strerror}") from error


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
