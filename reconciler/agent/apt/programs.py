"""apt on one root, told of nothing but captured content."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.agent.apt.simulation import Simulation, explain_failure, parse_simulation
from reconciler.agent.packages import Pin
from reconciler.agent.process import Done, Runner, check

_CONFIGURATION = Path("etc/apt/root.conf")
_NOTHING = "/dev/null"


def apt_environment(root: Path) -> dict[str, str]:
    """Say what makes apt work on this root and ask nobody."""
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    if root != Path("/"):
        environment["APT_CONFIG"] = str(root / _CONFIGURATION)
    return environment


@dataclass(frozen=True)
class PrivateRepository:
    """A directory of the agent that holds captured packages, and what apt keeps about it."""

    path: Path

    @property
    def files(self) -> Path:
        """Where `Packages` and the .debs lie."""
        return self.path / "files"

    def make(self) -> None:
        """Make the directories and the one line that names the source."""
        for name in ("files", "lists/partial", "cache/archives/partial"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        # What our digests vouch for needs no further signature.
        line = f"deb [trusted=yes] file:{self.files} ./\n"
        (self.path / "sources.list").write_text(line, encoding="utf-8")

    def options(self) -> list[str]:
        """Say how apt sees this source only: no other lists, cache, pins or recommendations."""
        settings = {
            "Dir::Etc::sourcelist": self.path / "sources.list",
            "Dir::Etc::sourceparts": _NOTHING,
            "Dir::Etc::preferences": _NOTHING,
            "Dir::Etc::preferencesparts": _NOTHING,
            "Dir::State::lists": self.path / "lists",
            "Dir::Cache": self.path / "cache",
            "APT::Sandbox::User": "root",
            "APT::Install-Recommends": "false",
            "APT::Install-Suggests": "false",
            "APT::Get::Upgrade-Allow-New": "true",
            "APT::Get::Never-Include-Phased-Updates": "false",
            "APT::Get::Always-Include-Phased-Updates": "true",
            "DPkg::Lock::Timeout": "60",
            "Dpkg::Use-Pty": "false",
            "Dpkg::Options::": "--force-confdef",
        }
        options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        return [*options, "-o", "Dpkg::Options::=--force-confold"]


class Apt:
    """apt-get and apt-mark with one private repository as their only source."""

    def __init__(self, root: Path, repository: PrivateRepository, runner: Runner) -> None:
        self._environment = apt_environment(root)
        self._repository = repository
        self._runner = runner

    @property
    def environment(self) -> dict[str, str]:
        """What the programs need beside their arguments."""
        return dict(self._environment)

    def update(self) -> None:
        """Read the index of the private repository; raises CommandError."""
        check(self._run("apt-get", *self._repository.options(), "-q", "update"), "apt-get update")

    def simulate(self, pins: Sequence[Pin]) -> Simulation:
        """Ask apt what it would do; raises RunRefusedError where it would do nothing."""
        done = self._run("apt-get", *self._repository.options(), "-s", *_install_words(pins))
        if done.code != 0:
            raise explain_failure(done.output + done.errors)
        return parse_simulation(done.output)

    def install_command(self, pins: Sequence[Pin]) -> list[str]:
        """Say what installs these and what they need, and never removes."""
        return ["apt-get", *self._repository.options(), "-q", *_install_words(pins)]

    def list_automatic(self) -> frozenset[str]:
        """Name the packages that are there only because others need them."""
        return frozenset(check(self._run("apt-mark", "showauto"), "apt-mark").split())

    def mark_automatic(self, names: Collection[str]) -> None:
        """Say of these packages that they are there only because others need them."""
        if names:
            check(self._run("apt-mark", "auto", *sorted(names)), "apt-mark")

    def _run(self, *command: str) -> Done:
        return self._runner(command, self._environment)


def _install_words(pins: Sequence[Pin]) -> list[str]:
    wanted = [
        f"{name}={version}" if architecture == "all" else f"{name}:{architecture}={version}"
        for name, architecture, version in sorted(pins)
    ]
    return ["-y", "--no-remove", "install", "--", *wanted]
