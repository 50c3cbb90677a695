"""What rpm says is installed, and whether it was interrupted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional

from reconciler.agent.errors import CommandError
from reconciler.agent.inventory import Installed
from reconciler.agent.locks import describe_holder
from reconciler.agent.process import Runner, check
from reconciler.model.versions import render_evr, rpm_key

_TAGS = ("NAME", "ARCH", "EPOCH", "VERSION", "RELEASE", "INSTALLTIME", "MODULARITYLABEL")
_FORMAT = "\t".join(f"%{{{tag}}}" for tag in _TAGS) + "\n"
_PLACES = ("usr/lib/sysimage/rpm", "var/lib/rpm")
_KEY = "gpg-pubkey"
_NONE = "(none)"


@dataclass(frozen=True)
class RpmRecord:
    """One entry of the database; `installed_at` is in seconds since 1970."""

    package: Installed
    installed_at: int

    @property
    def key(self) -> tuple[str, str]:
        """Name and architecture."""
        return self.package.name, self.package.architecture

    @property
    def nevra(self) -> str:
        """Name, version and architecture as rpm takes and prints them, without an epoch."""
        version = self.package.version.rpartition(":")[2]
        return f"{self.package.name}-{version}.{self.package.architecture}"


class Rpm:
    """The package database of one root."""

    def __init__(self, root: Path, runner: Runner) -> None:
        self._root = root
        self._runner = runner
        self._place = find_database(root) or _PLACES[-1]

    @property
    def place(self) -> str:
        """Where the database lies, as an absolute path inside the root."""
        return f"/{self._place}"

    def list_records(self) -> tuple[RpmRecord, ...]:
        """Read the database; raises CommandError where it cannot be read (S29)."""
        if find_database(self._root) is None:
            raise CommandError(f"{self._root / self._place} holds no rpm database to read")
        command = ["rpm", *self._where(), "-qa", "--nodigest", "--nosignature", "--qf", _FORMAT]
        return parse_records(check(self._runner(command, {}), "rpm"))

    def describe_holder(self) -> str:
        """Say which program installs or removes packages at this moment; nothing for nobody."""
        return describe_holder(self._root / self._place / ".rpm.lock")

    def _where(self) -> list[str]:
        if self._root == Path("/"):
            return []
        return ["--root", str(self._root), "--dbpath", self.place]


def find_database(root: Path) -> Optional[str]:
    """Give where below the root an rpm database lies; nothing where there is none."""
    for place in _PLACES:
        if any((root / place).glob("rpmdb.sqlite")) or any((root / place).glob("Packages*")):
            return place
    return None


def parse_records(output: str) -> tuple[RpmRecord, ...]:
    """Read what rpm printed; raises CommandError for a line of another form."""
    records = []
    for line in output.splitlines():
        try:
            name, architecture, epoch, version, release, at, label = line.split("\t")
            installed_at = int(at)
        except ValueError as error:
            raise CommandError(f"rpm printed {line[:200]!r}") from error
        if name == _KEY:
            continue
        stream = "" if label == _NONE else ":".join(label.split(":")[:2])
        evr = render_evr(epoch, version, release)
        package = Installed(name, architecture, evr, whole=True, held=False, module=stream)
        records.append(RpmRecord(package, installed_at))
    return tuple(records)


def is_install_only(name: str) -> bool:
    """Tell packages of which several versions stand side by side by design."""
    return name == "kernel" or name.startswith("kernel-")


def newest_records(records: Iterable[RpmRecord]) -> tuple[RpmRecord, ...]:
    """Give the newest record of each name and architecture.

    One that stands there twice was left half-way: rpm was killed before it took the old one out.
    """
    groups: defaultdict[tuple[str, str], list[RpmRecord]] = defaultdict(list)
    for record in records:
        groups[record.key].append(record)
    newest = []
    for (name, _), found in groups.items():
        best = max(found, key=lambda record: rpm_key(record.package.version))
        if len(found) > 1 and not is_install_only(name):
            best = replace(best, package=replace(best.package, whole=False))
        newest.append(best)
    return tuple(newest)


def find_duplicates(records: Iterable[RpmRecord]) -> tuple[str, ...]:
    """Name the packages that stand there twice and should not."""
    return tuple(
        sorted({one.package.name for one in newest_records(records) if not one.package.whole})
    )
