"""A signed apt repository on loopback, and as many real machines beside it as are asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.demo.apt_machine import (
    DEBIAN_12,
    AptSource,
    Machine,
    MachineSettings,
    copy_root,
    make_root,
)
from reconciler.demo.apt_repository import AptRepository
from reconciler.demo.commands import PROGRAM_PATH, LabError
from reconciler.demo.file_server import serve

SUITES = ("bookworm", "bookworm-security")
# Debian packages that a plain system may lack, by a program of each.
_NEEDED = {"apt-ftparchive": "apt-utils", "busybox": "busybox-static", "gpg": "gpg", "gpgv": "gpgv"}


@dataclass(frozen=True, slots=True)
class Lab:
    """Both suites exist from the start, so that a machine can take either at any time."""

    repository: AptRepository
    url: str
    machines: Path

    def make_machine(
        self,
        name: str,
        packages: Iterable[str] = (),
        *,
        suites: tuple[str, ...] = SUITES,
        os_release: Mapping[str, str] = DEBIAN_12,
    ) -> Machine:
        """Build one machine with packages from the suites as they stand now."""
        settings = self._settings(name, suites, os_release)
        return make_root(self.machines / name, settings, packages)

    def copy_machine(
        self,
        template: Machine,
        name: str,
        *,
        suites: tuple[str, ...] = SUITES,
        os_release: Mapping[str, str] = DEBIAN_12,
    ) -> Machine:
        return copy_root(template, self.machines / name, self._settings(name, suites, os_release))

    def make_fleet(self, names: Sequence[str], packages: Iterable[str] = ()) -> list[Machine]:
        """Build the first machine and copy it for the others: they differ in identity alone."""
        first = self.make_machine(names[0], packages)
        return [first, *(self.copy_machine(first, name) for name in names[1:])]

    def _settings(
        self, name: str, suites: tuple[str, ...], os_release: Mapping[str, str]
    ) -> MachineSettings:
        source = AptSource(url=self.url, suites=suites, keyring=self.repository.keyring)
        return MachineSettings(hostname=name, source=source, os_release=os_release)


@contextmanager
def open_lab(path: Path) -> Iterator[Lab]:
    """Yield a lab below an empty or absent directory, which is left for the caller to remove.

    Raises LabError, with what to do as its hint, where the host cannot carry a lab.
    """
    _check_host()
    with AptRepository(path / "archive") as repository:
        for suite in SUITES:
            repository.publish(suite)
        machines = path / "machines"
        machines.mkdir()
        with serve(repository.public) as url:
            yield Lab(repository, url, machines)


def _check_host() -> None:
    if os.geteuid() != 0:
        raise LabError("the lab needs root, because dpkg changes its root", hint="run it with sudo")
    needed = _NEEDED.items()
    lacking = sorted(name for tool, name in needed if not shutil.which(tool, path=PROGRAM_PATH))
    if lacking:
        names = " ".join(lacking)
        raise LabError(f"the lab needs Debian packages: {names}", hint=f"apt-get install {names}")
