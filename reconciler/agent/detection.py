"""Whether updates of one's own are there: by command, by file, by package version (E2)."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Optional

from reconciler.agent.errors import CommandError
from reconciler.agent.process import PATH, Runner, inside_root
from reconciler.agent.redaction import last_lines
from reconciler.model.custom import Detection, DetectOrder
from reconciler.model.updates import UpdateState

TIME_LIMIT = timedelta(minutes=1)
_OUTPUT_LIMIT = 64 * 1024
_FILE_LIMIT = 4 << 30
_CHUNK = 1024 * 1024
_SAID_LIMIT = 200
_BOUND = re.compile(r"(>=|<=|>|<|=)?(.+)", re.DOTALL)


class UnsureError(Exception):
    """It cannot be told whether an update is there; the text says why."""


@dataclass(frozen=True)
class Detected:
    """The state of each update that was looked for, and why some of them are unknown."""

    states: dict[str, UpdateState] = field(default_factory=dict)
    unsure: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Detector:
    """Looks for updates on one root.

    `compare` gives -1, 0 or 1 as the first version is older, equal or newer, by the order of the
    machine's own package manager.
    """

    root: Path
    runner: Runner
    compare: Callable[[str, str], int]

    def detect(self, orders: Iterable[DetectOrder], packages: Mapping[str, str]) -> Detected:
        """Look for each update: installed, missing, or unknown with its reason (S10).

        What it looks at not being there means missing. A command that fails or takes too long,
        and a file that cannot be read, tell nothing.
        """
        found = Detected()
        for order in orders:
            found.states[order.update] = self._look(order, packages, found.unsure)
        return found

    def _look(
        self, order: DetectOrder, packages: Mapping[str, str], unsure: dict[str, str]
    ) -> UpdateState:
        try:
            is_there = self._is_there(order.detection, packages)
        except (UnsureError, CommandError, OSError, ValueError, re.error) as error:
            unsure[order.update] = last_lines(str(error), _SAID_LIMIT)
            return UpdateState.UNKNOWN
        return UpdateState.INSTALLED if is_there else UpdateState.MISSING

    def _is_there(self, detection: Detection, packages: Mapping[str, str]) -> bool:
        if detection.command:
            return self._says(detection)
        if detection.file:
            return self._has_digest(self.root / detection.file.lstrip("/"), detection.sha256)
        return self._has_version(packages.get(detection.package), detection.version)

    def _says(self, detection: Detection) -> bool:
        program = detection.command[0]
        if not self._has_program(program):
            return False
        done = self.runner(inside_root(self.root, detection.command), {}, TIME_LIMIT)
        if done.code != 0:
            raise UnsureError(f"{program} ended with code {done.code}")
        if len(done.output) > _OUTPUT_LIMIT:
            raise UnsureError(f"{program} printed more than {_OUTPUT_LIMIT} characters")
        return re.fullmatch(detection.expect, done.output.rstrip("\n")) is not None

    def _has_program(self, program: str) -> bool:
        """Tell whether there is such a program in the root; a link to somewhere counts as one."""
        places = [program] if "/" in program else [f"{folder}/{program}" for folder in PATH]
        return any(os.path.lexists(self.root / place.lstrip("/")) for place in places)

    def _has_digest(self, path: Path, sha256: str) -> bool:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return False
        digest, left = hashlib.sha256(), _FILE_LIMIT
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UnsureError(f"{path} is not a regular file")
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                digest.update(chunk)
                left -= len(chunk)
                if left < 0:
                    raise UnsureError(f"{path} is larger than {_FILE_LIMIT} bytes")
        return digest.hexdigest() == sha256

    def _has_version(self, installed: Optional[str], bound: str) -> bool:
        match = _BOUND.fullmatch(bound)
        if match is None:
            raise UnsureError(f"{bound!r:.80} is no version")
        if installed is None:
            return False
        order = self.compare(installed, match.group(2))
        return {
            ">=": order >= 0,
            ">": order > 0,
            "=": order == 0,
            "<=": order <= 0,
            "<": order < 0,
        }[match.group(1) or "="]
