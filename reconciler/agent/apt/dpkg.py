"""What dpkg says is installed, and whether it was interrupted."""

from __future__ import annotations

from pathlib import Path

from reconciler.agent.configuration import Conffiles
from reconciler.agent.errors import CommandError
from reconciler.agent.inventory import Installed
from reconciler.agent.locks import describe_holder
from reconciler.agent.process import Done, Runner, check

_FORMAT = "${Package}\t${Architecture}\t${Version}\t${db:Status-Status}\t${db:Status-Want}\n"
_WHOLE = frozenset({"installed", "triggers-pending", "triggers-awaited"})
_ABSENT = frozenset({"not-installed", "config-files"})
_DATABASE = Path("var/lib/dpkg")
_LOCKS = ("lock-frontend", "lock")


def conffile_options(conffiles: Conffiles) -> tuple[str, ...]:
    """Say what dpkg does with edited configuration files, and never asks."""
    if conffiles is Conffiles.REPLACE:
        return ("--force-confnew",)
    return ("--force-confdef", "--force-confold")


class Dpkg:
    """The package database of one root."""

    def __init__(self, root: Path, conffiles: Conffiles, runner: Runner) -> None:
        self._root = root
        self._database = root / _DATABASE
        self._conffiles = conffile_options(conffiles)
        self._runner = runner

    def list_installed(self) -> tuple[Installed, ...]:
        """Read the database; raises CommandError where it cannot be read (S29)."""
        if not (self._database / "status").is_file():
            raise CommandError(f"{self._database}/status is not there: no dpkg database to read")
        done = self._run("dpkg-query", f"--admindir={self._database}", "-W", f"-f={_FORMAT}")
        if done.code == 1 and "no packages found" in done.errors:
            return ()
        return parse_installed(check(done, "dpkg-query"))

    def architecture(self) -> str:
        """Give dpkg's name of the machine's own architecture, as `amd64`."""
        return check(self._run("dpkg", "--print-architecture"), "dpkg").strip()

    def describe_holder(self) -> str:
        """Say which program installs or removes packages at this moment; nothing for nobody."""
        found = (describe_holder(self._database / name) for name in _LOCKS)
        return next((holder for holder in found if holder), "")

    def has_leftovers(self) -> bool:
        """Tell whether dpkg ended before it wrote its own database whole; apt refuses to work."""
        updates = self._database / "updates"
        return updates.is_dir() and any(entry.name.isdigit() for entry in updates.iterdir())

    def was_interrupted(self) -> bool:
        """Tell whether dpkg ended in the middle of its work."""
        return self.has_leftovers() or any(not found.whole for found in self.list_installed())

    def configure_all(self) -> Done:
        """Let dpkg end what it began, however long it takes."""
        return self._runner(
            ["dpkg", f"--root={self._root}", *self._conffiles, "--configure", "--pending"],
            {"DEBIAN_FRONTEND": "noninteractive"},
            None,
        )

    def _run(self, *command: str) -> Done:
        return self._runner(command, {})


def parse_installed(output: str) -> tuple[Installed, ...]:
    """Read what dpkg-query printed; raises CommandError for a line of another form."""
    packages = []
    for line in output.splitlines():
        try:
            name, architecture, version, status, want = line.split("\t")
        except ValueError as error:
            raise CommandError(f"dpkg-query printed {line[:200]!r}") from error
        if status not in _ABSENT:
            whole, held = status in _WHOLE, want == "hold"
            packages.append(Installed(name, architecture, version, whole, held))
    return tuple(packages)
