"""Updates that people bring themselves: how a computer sees, installs and removes one (E2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from reconciler.model.aims import Aim

ABILITIES_FACT = "agent.abilities"
"""The fact in which agents list what a site has to know before it asks for it."""
CUSTOM = "custom"
"""The ability of agents to see, install and uninstall such updates, as they report it."""


@dataclass(frozen=True)
class Detection:
    """How to see that an update is installed, in one of three forms.

    By what `command` prints, which `expect` has to fit whole; by `sha256` of `file`; or by the
    `version` of `package`, which may be a bound such as `>=2.1`.
    """

    command: tuple[str, ...] = ()
    expect: str = ""
    file: str = ""
    sha256: str = ""
    package: str = ""
    version: str = ""


@dataclass(frozen=True)
class CustomFile:
    """A file of an update's content: where it lies in the content's folder, and its SHA-256."""

    path: str
    sha256: str


@dataclass(frozen=True)
class CustomSteps:
    """All that git says of how an update is seen, installed and removed; no shell reads it.

    `success` and `restart` are exit codes that mean: done; after the latter a restart is needed.
    """

    name: str
    version: str
    detection: Detection
    install: tuple[str, ...]
    uninstall: tuple[str, ...]
    success: tuple[int, ...]
    restart: tuple[int, ...]
    max_runtime: timedelta
    files: tuple[CustomFile, ...]

    def step(self, aim: Aim) -> Step:
        """Give what brings the aim about."""
        command = self.uninstall if aim is Aim.REMOVE else self.install
        return Step(
            name=self.name,
            version=self.version,
            command=command,
            success=self.success,
            restart=self.restart,
            max_runtime=self.max_runtime,
            files=self.files,
        )


@dataclass(frozen=True)
class Step:
    """One command of an update's own, run in the folder of its content within its time limit."""

    name: str
    version: str
    command: tuple[str, ...]
    success: tuple[int, ...]
    restart: tuple[int, ...]
    max_runtime: timedelta
    files: tuple[CustomFile, ...] = ()


@dataclass(frozen=True)
class DetectOrder:
    """An update to look for on a computer that it is for."""

    update: str
    detection: Detection


def content_path(sha256: str) -> str:
    """Name a file of such an update's content in its package, whatever else lies there."""
    return f"{CUSTOM}/{sha256}"
