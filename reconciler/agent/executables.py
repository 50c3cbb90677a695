"""Programs that no package manager knows: files that may be run, with their digests (A2).

Nothing is ever run to find out more of a file.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from reconciler.agent.content import digest_of_file
from reconciler.agent.home import read_bounded, write_atomically
from reconciler.agent.log import Log
from reconciler.model.canonical import canonical_json
from reconciler.model.codec import decode, encode
from reconciler.model.messages import Executable

_MOST_SEEN = 100_000
_STATE_LIMIT = 8 * 1024 * 1024
_MAY_RUN = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


@dataclass(frozen=True)
class _Known:
    """A file whose digest was found; as long as size and times stand it is not read again."""

    size: int
    changed: tuple[int, int]
    sha256: str


@dataclass(frozen=True)
class _State:
    known: dict[str, _Known] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What one look may list, read and take; files are counted, the rest is bytes and seconds."""

    files: int = 2000
    bytes: int = 2 << 30
    seconds: float = 60.0


_DEFAULT = Limits()


class _Left:
    """What is left of the limits."""

    def __init__(self, limits: Limits) -> None:
        self._files, self._bytes = limits.files, limits.bytes
        self._until = time.monotonic() + limits.seconds

    def take_file(self) -> bool:
        """Tell whether one more file may be listed, and count it."""
        self._files -= 1
        return self._files >= 0

    def take_bytes(self, size: int) -> bool:
        """Tell whether so many bytes more may be read, and count them."""
        if self._bytes < size or time.monotonic() > self._until:
            return False
        self._bytes -= size
        return True


class Executables:
    """Looks for them on one root, and remembers digests in a file of the agent."""

    def __init__(self, root: Path, path: Path, log: Log, limits: Limits = _DEFAULT) -> None:
        self._root = root.resolve()
        self._path = path
        self._log = log
        self._limits = limits

    def collect(self, patterns: Iterable[str]) -> dict[str, Executable]:
        """Give the files by their paths within the root; what is over the limits is left out.

        A next look reads on where this one had to end, as it knows the digests of what it read.
        """
        known, left = self._load(), _Left(self._limits)
        found: dict[str, _Known] = {}
        cut = 0
        for path in self._matching(tuple(patterns)):
            one = self._look(path, known.get(self._name(path)), left)
            if one is None:
                cut += 1
            elif one.sha256:
                found[self._name(path)] = one
        if cut:
            self._log.warning("executables left out", count=cut, listed=len(found))
        if found != known:
            write_atomically(self._path, canonical_json(encode(_State(found))))
        return {name: Executable(one.size, one.sha256) for name, one in found.items()}

    def _look(self, path: Path, known: Optional[_Known], left: _Left) -> Optional[_Known]:
        """Give the file with its digest, without one where it is no program, or nothing."""
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode) or not status.st_mode & _MAY_RUN:
                return _Known(0, (0, 0), "")
            changed = (status.st_mtime_ns, status.st_ctime_ns)
            if not left.take_file():
                return None
            if known is not None and (known.size, known.changed) == (status.st_size, changed):
                return known
            if not left.take_bytes(status.st_size):
                return None
            return _Known(status.st_size, changed, digest_of_file(path))
        except OSError:
            # It went away, or may not be read: it is not there as far as we can tell.
            return _Known(0, (0, 0), "")

    def _matching(self, patterns: tuple[str, ...]) -> Iterator[Path]:
        """Give what fits some pattern, each once and in order, and nothing outside of the root."""
        seen: set[Path] = set()
        for pattern in patterns:
            for number, path in enumerate(self._root.glob(pattern.lstrip("/"))):
                if number >= _MOST_SEEN:
                    self._log.warning("pattern fits too much", pattern=pattern)
                    break
                if self._is_inside(path.parent):
                    seen.add(path)
        return iter(sorted(seen))

    def _is_inside(self, folder: Path) -> bool:
        """Tell whether no link leads out of the root."""
        real = os.path.realpath(folder)
        return self._root == Path("/") or (real + "/").startswith(f"{self._root}/")

    def _name(self, path: Path) -> str:
        text = "/" + str(path.relative_to(self._root))
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

    def _load(self) -> dict[str, _Known]:
        try:
            return decode(_State, json.loads(read_bounded(self._path, _STATE_LIMIT))).known
        except (OSError, ValueError):
            return {}
