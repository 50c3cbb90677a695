"""Scripts of packages that failed, which rpm only warns of and we do not forget."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from reconciler.agent.dnf.rpm import RpmRecord
from reconciler.agent.home import read_bounded, write_atomically
from reconciler.agent.packages import Pin
from reconciler.model.canonical import canonical_json

_FAILED = re.compile(r"%(\w+)\(([^()\s]+)\) scriptlet failed, [^\n]{1,200}", re.ASCII)
_ERROR = re.compile(r"Error in (\w+) scriptlet in rpm package (\S+)", re.ASCII)
_LIMIT = 1024 * 1024


def find_failures(output: str) -> tuple[str, ...]:
    """Give rpm's own words on each script that failed, as dnf printed them."""
    found = [match[0] for match in _FAILED.finditer(output)]
    return tuple(dict.fromkeys(found or [match[0] for match in _ERROR.finditer(output)]))


def broken_pins(output: str, pins: Collection[Pin]) -> frozenset[Pin]:
    """Give the packages of a run of which a script failed."""
    named = {match[2] for match in _FAILED.finditer(output)}
    names = {match[2] for match in _ERROR.finditer(output)}
    return frozenset(pin for pin in pins if _nevra(pin) in named or pin[0] in names)


class BrokenPackages:
    """Packages that are installed although a script of theirs failed, in a file of the agent.

    Each counts as left half-way until it is installed again, or in another version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> frozenset[Pin]:
        """Read them; none where the file is not there or cannot be read."""
        try:
            rows = json.loads(read_bounded(self._path, _LIMIT))
            return frozenset((str(name), str(arch), str(version)) for name, arch, version in rows)
        except (OSError, ValueError, TypeError):
            return frozenset()

    def take(self, pins: Collection[Pin], broken: Collection[Pin]) -> None:
        """After a run of these packages some are broken, and the others are no more."""
        before = self.load()
        now = (before - frozenset(pins)) | frozenset(broken)
        if now != before:
            write_atomically(self._path, canonical_json([list(pin) for pin in sorted(now)]))

    def mark(self, records: Iterable[RpmRecord]) -> tuple[RpmRecord, ...]:
        """Give the records, those of broken packages as left half-way."""
        broken = self.load()
        return tuple(
            replace(one, package=replace(one.package, whole=False))
            if (*one.key, one.package.version) in broken
            else one
            for one in records
        )


def _nevra(pin: Pin) -> str:
    name, architecture, version = pin
    return f"{name}-{version.rpartition(':')[2]}.{architecture}"
