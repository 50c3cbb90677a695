"""apt on one root: the captured content as its only source, or the machine's own sources."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.agent.apt.dpkg import conffile_options
from reconciler.agent.apt.simulation import Simulation, explain_failure, parse_simulation
from reconciler.agent.configuration import Conffiles
from reconciler.agent.packages import Pin
from reconciler.agent.process import Done, Runner, check

_CONFIGURATION = Path("etc/apt/root.conf")
_NOTHING = "/dev/null"
_NO_PINS = {"Dir::Etc::preferences": _NOTHING, "Dir::Etc::preferencesparts": _NOTHING}
# What is authorized is installed whatever its phase is, and nothing else leaves or comes.
_BEHAVIOUR = {
    "APT::Install-Recommends": "false",
    "APT::Install-Suggests": "false",
    "APT::Get::AutomaticRemove": "false",
    "APT::Get::Upgrade-Allow-New": "true",
    "APT::Get::Never-Include-Phased-Updates": "false",
    "APT::Get::Always-Include-Phased-Updates": "true",
    "DPkg::Lock::Timeout": "60",
    "Dpkg::Use-Pty": "false",
}


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
        """Say how apt sees this source only: no other lists, and none of the machine's pins."""
        return [*self.pinned_options(), *_set(_NO_PINS)]

    def pinned_options(self) -> list[str]:
        """Say how apt sees this source only, with the pins of the machine's administrator."""
        return _set(
            {
                "Dir::Etc::sourcelist": str(self.path / "sources.list"),
                "Dir::Etc::sourceparts": _NOTHING,
                "Dir::State::lists": str(self.path / "lists"),
                "Dir::Cache": str(self.path / "cache"),
                "APT::Sandbox::User": "root",
            }
        )

    def own_options(self) -> list[str]:
        """Say how apt sees the machine's own sources, but brings files here."""
        return _set({"Dir::Cache": str(self.path / "cache")})


class Apt:
    """apt-get with some sources, which `options` name; it never removes and never asks."""

    def __init__(
        self, root: Path, options: Sequence[str], conffiles: Conffiles, runner: Runner
    ) -> None:
        dpkg = [f"Dpkg::Options::={option}" for option in conffile_options(conffiles)]
        self.environment = apt_environment(root)
        self._options = [
            *options,
            *_set(_BEHAVIOUR),
            *(word for one in dpkg for word in ("-o", one)),
        ]
        self._runner = runner

    def update(self) -> None:
        """Read the indexes of the sources; raises RunRefusedError."""
        done = self._run("apt-get", *self._options, "-q", "update")
        if done.code != 0:
            raise explain_failure(done.output + done.errors)

    def simulate(self, pins: Sequence[Pin]) -> Simulation:
        """Ask apt what it would do; raises RunRefusedError where it would do nothing."""
        done = self._run("apt-get", *self._options, "-s", *_install_words(pins))
        if done.code != 0:
            raise explain_failure(done.output + done.errors)
        return parse_simulation(done.output)

    def download(self, pins: Sequence[Pin]) -> None:
        """Bring what these need into the cache; raises RunRefusedError."""
        done = self._run("apt-get", *self._options, "-q", "--download-only", *_install_words(pins))
        if done.code != 0:
            raise explain_failure(done.output + done.errors)

    def install_command(self, pins: Sequence[Pin]) -> list[str]:
        """Say what installs these and what they need, and never removes."""
        return ["apt-get", *self._options, "-q", *_install_words(pins)]

    def show_policy(self, names: Sequence[str]) -> str:
        """Print which versions apt would choose of these, and why; raises CommandError."""
        words = ["apt-cache", *self._options, "policy", *names]
        return check(self._run(*words), "apt-cache policy")

    def _run(self, *command: str) -> Done:
        return self._runner(command, self.environment)


class Marks:
    """Which packages are there only because others need them."""

    def __init__(self, root: Path, runner: Runner) -> None:
        self._environment = apt_environment(root)
        self._runner = runner

    def list_automatic(self) -> frozenset[str]:
        """Name these packages."""
        return frozenset(check(self._run("showauto"), "apt-mark").split())

    def mark_automatic(self, names: Collection[str]) -> None:
        """Say of these packages that they are there only because others need them."""
        if names:
            check(self._run("auto", *sorted(names)), "apt-mark")

    def _run(self, *words: str) -> Done:
        return self._runner(("apt-mark", *words), self._environment)


def _set(settings: Mapping[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _install_words(pins: Sequence[Pin]) -> list[str]:
    wanted = [
        f"{name}={version}" if architecture == "all" else f"{name}:{architecture}={version}"
        for name, architecture, version in sorted(pins)
    ]
    return ["-y", "--no-remove", "install", "--", *wanted]
