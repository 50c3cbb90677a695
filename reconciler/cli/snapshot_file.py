"""A snapshot that a command takes, with who has to have signed it and how old it may be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import typer

from reconciler.app.clock import SystemClock
from reconciler.engine.snapshot_trust import Trust
from reconciler.engine.snapshots import Snapshot, load_snapshot
from reconciler.model.errors import SnapshotError
from reconciler.model.times import parse_duration

PINNED_KEY = ".patchwright/site.pub"
"""Where a repository of manifests pins the key of its site, below the folder of manifests."""
_LONGEST_FILE = 1 << 16
_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A file as the command line names it; `now` is what the age is counted to."""

    path: Path
    key: Path | None = None
    max_age: str | None = None
    now: datetime | None = None

    def load(self, pinned: bytes | None = None) -> Snapshot:
        """Read it; without a key of its own the one that a repository pins counts, if any.

        Raises SnapshotError.
        """
        keys = frozenset(self._keys(pinned))
        trust = Trust(self.now or SystemClock().now(), keys, _age(self.max_age))
        return load_snapshot(self.path, trust)

    def load_beside(self, folder: Path | None) -> Snapshot:
        """Read it with the key that a folder of manifests pins."""
        path = folder / PINNED_KEY if folder is not None else None
        return self.load(_read(path) if path is not None and path.is_file() else None)

    def _keys(self, pinned: bytes | None) -> Iterator[str]:
        if self.key is not None:
            yield from parse_keys(_read(self.key), str(self.key))
        elif pinned is not None:
            yield from parse_keys(pinned, PINNED_KEY)


def parse_keys(content: bytes, where: str) -> list[str]:
    """Read public keys: one in hex on a line, `#` begins a comment; raises SnapshotError."""
    text = content.decode("utf-8", "replace")
    lines = [line.partition("#")[0].strip().lower() for line in text.splitlines()]
    found = [line for line in lines if line]
    if not found or not all(_KEY.fullmatch(line) for line in found):
        hint = "`patchwright snapshot key` at the site prints its key"
        raise SnapshotError(f"{where} holds no Ed25519 public key in hex", hint=hint)
    return found


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST_FILE)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror}") from error


def _age(text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--max-age") from error
