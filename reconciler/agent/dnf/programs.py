"""dnf on one root, told of nothing but captured content."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.agent.dnf.rpm import Rpm
from reconciler.agent.dnf.stale_locks import release_stale_locks
from reconciler.agent.dnf.transaction import (
    LOCKED,
    Transaction,
    explain_failure,
    parse_transaction,
)
from reconciler.agent.packages import Pin
from reconciler.agent.process import DEFAULT_LIMIT, Done, Runner

_NOTHING = "Nothing to do."
_RESOLVED = "Dependencies resolved."
# It would offer packages of its own beside the captured ones.
_PLUGIN = "local"
_BEHAVIOUR = {
    "install_weak_deps": "False",
    "clean_requirements_on_remove": "False",
    "exit_on_lock": "True",
    "best": "True",
    "skip_broken": "False",
    "color": "never",
}
_LOCK_TRIES, _LOCK_PAUSE = 30, 1.0


@dataclass(frozen=True)
class PrivateRepository:
    """A directory of the agent that holds captured rpms, and what dnf keeps about it."""

    path: Path

    @property
    def files(self) -> Path:
        """Where `repodata` and the rpms lie."""
        return self.path / "files"

    @property
    def downloads(self) -> Path:
        """Where rpms of the machine's own repositories come to."""
        return self.path / "downloads"

    @property
    def own_cache(self) -> Path:
        """What dnf keeps of the machine's own repositories for us, from one run to the next."""
        return self.path.parent / "own-cache"

    def make(self) -> None:
        """Make the directories and the one file that names the repository."""
        for name in ("files", "downloads", "repos", "cache", "log", "home"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        # What our digests vouch for needs no further signature, and was authorized as it is.
        lines = (
            "[patchwright]",
            "name=captured content",
            f"baseurl={self.files.as_uri()}",
            "gpgcheck=0",
            "repo_gpgcheck=0",
            "module_hotfixes=1",
            "priority=1",
        )
        (self.path / "repos" / "captured.repo").write_text("\n".join(lines) + "\n")

    def options(self) -> list[str]:
        """Say how dnf sees this repository only, and adds nothing by its own taste."""
        places = {"reposdir": str(self.path / "repos"), "cachedir": str(self.path / "cache")}
        return [f"--disableplugin={_PLUGIN}", *_set(places), *_set(_BEHAVIOUR)]

    def own_options(self, root: Path) -> list[str]:
        """Say how dnf sees the machine's own repositories, but brings files here."""
        places = {"cachedir": str(self.own_cache)}
        if root != Path("/"):
            places["reposdir"] = str(root / "etc/yum.repos.d")
        return [f"--disableplugin={_PLUGIN}", *_set(places), *_set(_BEHAVIOUR)]


class Dnf:
    """dnf with one private repository as its only source."""

    def __init__(self, root: Path, repository: PrivateRepository, rpm: Rpm, runner: Runner) -> None:
        self._root = root
        self._repository = repository
        self._rpm = rpm
        self._runner = runner

    @property
    def environment(self) -> dict[str, str]:
        """What dnf needs beside its arguments: a foreign root's database by a macro of ours."""
        if self._root == Path("/"):
            return {}
        return {"HOME": str(self._repository.path / "home")}

    def simulate(self, pins: Sequence[Pin], *, again: bool) -> Transaction:
        """Ask dnf what it would do; raises RunRefusedError where it would do nothing."""
        self._place_macros()
        done = self._run("--assumeno", *_change_words(pins, again=again))
        if _RESOLVED not in done.output or _NOTHING in done.output:
            raise explain_failure(done.code, f"{done.output}\n{done.errors}")
        return parse_transaction(done.output)

    def test(self, pins: Sequence[Pin], *, again: bool) -> None:
        """Have rpm try the whole transaction without a change; raises RunRefusedError."""
        words = _change_words(pins, again=again)
        done = self._run("--assumeyes", "--setopt=tsflags=test", *words)
        if done.code != 0:
            raise explain_failure(done.code, f"{done.output}\n{done.errors}")

    def download(self, pins: Sequence[Pin], *, again: bool) -> None:
        """Bring these rpms from the machine's own repositories; raises RunRefusedError."""
        words = [
            *("dnf", *self._where(), *self._repository.own_options(self._root)),
            *("--assumeyes", "--refresh", "--downloadonly"),
            f"--downloaddir={self._repository.downloads}",
            *_words("reinstall" if again else "install", pins),
        ]
        done = self._try(words, limited=False)
        if done.code != 0:
            raise explain_failure(done.code, f"{done.output}\n{done.errors}")

    def install_command(self, pins: Sequence[Pin], *, again: bool) -> list[str]:
        """Say what installs these and what they need, and never removes."""
        return self._command("--assumeyes", *_change_words(pins, again=again))

    def remove_duplicates(self) -> str:
        """Take out what a killed rpm left of older versions; gives all that dnf said."""
        done = self._run("--assumeyes", "remove", "--duplicates", limited=False)
        return f"{done.output}\n{done.errors}"

    def _run(self, *words: str, limited: bool = True) -> Done:
        return self._try(self._command(*words), limited=limited)

    def _try(self, command: Sequence[str], *, limited: bool) -> Done:
        """Run it, and wait with a limit for another one to end."""
        limit = DEFAULT_LIMIT if limited else None
        done = self._runner(command, self.environment, limit)
        for _ in range(_LOCK_TRIES):
            if done.code != LOCKED:
                break
            if not release_stale_locks(self._locks()):
                time.sleep(_LOCK_PAUSE)
            done = self._runner(command, self.environment, limit)
        return done

    def _command(self, *words: str) -> list[str]:
        return ["dnf", *self._where(), *self._repository.options(), *words]

    def _locks(self) -> list[Path]:
        caches = (self._repository.path / "cache", self._repository.own_cache)
        return [
            self._root / "var/lib/dnf/rpmdb_lock.pid",
            *(cache / f"{name}_lock.pid" for cache in caches for name in ("metadata", "download")),
        ]

    def _where(self) -> list[str]:
        if self._root == Path("/"):
            return []
        return [
            f"--installroot={self._root}",
            # Nothing is expanded by it, but dnf insists on one.
            "--releasever=1",
            f"--setopt=logdir={self._repository.path / 'log'}",
            f"--setopt=persistdir={self._root / 'var/lib/dnf'}",
        ]

    def _place_macros(self) -> None:
        if self._root != Path("/"):
            macros = self._repository.path / "home" / ".rpmmacros"
            macros.write_text(f"%_dbpath {self._rpm.place}\n", encoding="ascii")


def _change_words(pins: Sequence[Pin], *, again: bool) -> list[str]:
    """Upgrade keeps dnf's reason of each package; what is there in this version is reinstalled."""
    return _words("reinstall" if again else "upgrade", pins)


def _words(change: str, pins: Sequence[Pin]) -> list[str]:
    return [change, *(_spec(pin) for pin in sorted(pins))]


def _set(settings: Mapping[str, str]) -> list[str]:
    return [f"--setopt={name}={value}" for name, value in settings.items()]


def _spec(pin: Pin) -> str:
    name, architecture, version = pin
    evr = version if ":" in version else f"0:{version}"
    return f"{name}-{evr}.{architecture}"
