"""Package files with what has to be known to fetch them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.updates import EVERYWHERE, PackageFile, Update


@dataclass(frozen=True, slots=True)
class Placed:
    """A package file, the base URL that it lies below, and the releases that it is for."""

    location: str
    file: PackageFile
    releases: tuple[str, ...]

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Name, version, architecture and digest."""
        return self.file.name, self.file.version, self.file.architecture, self.file.sha256


def place(updates: Iterable[Update], architectures: Iterable[str]) -> list[Placed]:
    """Give the updates' files for these architectures and for all, in a fixed order."""
    wanted = EVERYWHERE | set(architectures)
    placed = [
        Placed(update.location, file, update.release)
        for update in updates
        for file in update.packages
        if file.architecture in wanted
    ]
    return sorted(placed, key=lambda one: (one.file.name, one.file.version, one.file.architecture))
