"""Throwaway Debian machines: each an apt and dpkg root of its own on this host.

The host's apt and dpkg work on the root; dpkg runs maintainer scripts chrooted into it, where
a static busybox is all that they find. Needs root on the host, for chroot.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from reconciler.demo.commands import DEFAULT_TIMEOUT, run, run_or_raise

# Where a machine's apt configuration lies below its root; APT_CONFIG names it.
APT_CONFIGURATION = Path("etc/apt/root.conf")
DEBIAN_12: Mapping[str, str] = {
    "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)",
    "NAME": "Debian GNU/Linux",
    "VERSION_ID": "12",
    "VERSION": "12 (bookworm)",
    "VERSION_CODENAME": "bookworm",
    "ID": "debian",
}

_BUSYBOX = Path("/bin/busybox")
_APT_GET = ("apt-get", "--assume-yes", "--quiet")
_TOOLS = (
    "[ basename cat chmod chown cp cut date dirname echo env expr false find grep head id ln ls "
    "mkdir mktemp mv printf readlink rm rmdir sed sh sleep sort stat sync tail test touch tr true "
    "uname uniq wc xargs"
)
_DIRECTORIES = (
    "dev etc/apt/apt.conf.d etc/apt/auth.conf.d etc/apt/keyrings etc/apt/preferences.d "
    "etc/apt/sources.list.d etc/apt/trusted.gpg.d proc root run sys tmp usr/bin usr/lib usr/sbin "
    "usr/share var/cache/apt/archives/partial var/lib/apt/lists/partial var/lib/dpkg/info "
    "var/lib/dpkg/triggers var/lib/dpkg/updates var/log/apt var/tmp"
)
_LINKS = {
    "bin": "usr/bin",
    "sbin": "usr/sbin",
    "lib": "usr/lib",
    "etc/os-release": "../usr/lib/os-release",
    "var/run": "../run",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AptSource:
    """The suites that a machine takes from one archive, and the key that must sign them."""

    url: str
    suites: tuple[str, ...]
    keyring: Path
    components: tuple[str, ...] = ("main",)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSettings:
    """What tells one machine from another before anything is installed."""

    hostname: str
    source: AptSource
    os_release: Mapping[str, str] = field(default_factory=lambda: DEBIAN_12)


class Machine:
    """A root that exists; for looking at it and working on it as its administrator would."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    @property
    def environment(self) -> dict[str, str]:
        """What makes the host's apt and dpkg programs work on this root."""
        return {
            "APT_CONFIG": str(self.root / APT_CONFIGURATION),
            "DEBIAN_FRONTEND": "noninteractive",
            "LC_ALL": "C",
        }

    def run(
        self, *command: str | Path, timeout: timedelta = DEFAULT_TIMEOUT
    ) -> subprocess.CompletedProcess[str]:
        """Run one of the host's programs with the machine's environment; stdin is closed."""
        return run(command, environment=self.environment, timeout=timeout)

    def apt(
        self, *arguments: str, timeout: timedelta = DEFAULT_TIMEOUT
    ) -> subprocess.CompletedProcess[str]:
        """Run apt-get, which says yes to itself and is told nothing else."""
        return self.run(*_APT_GET, *arguments, timeout=timeout)

    def installed(self) -> dict[str, str]:
        """Versions by name of what is installed and configured whole."""
        shown = run_or_raise(
            [
                "dpkg-query",
                f"--admindir={self.root}/var/lib/dpkg",
                "--show",
                "--showformat=${db:Status-Status} ${Package} ${Version}\n",
            ]
        )
        words = (line.split() for line in shown.splitlines())
        return {name: version for status, name, version in words if status == "installed"}

    def marks(self) -> frozenset[str]:
        """Names of the packages that apt believes came only as dependencies."""
        shown = run_or_raise(["apt-mark", "showauto"], environment=self.environment)
        return frozenset(shown.split())


def make_root(path: Path, settings: MachineSettings, packages: Iterable[str] = ()) -> Machine:
    """Build a new root and install packages with apt-get, each as `name` or `name=version`.

    Raises LabError when apt-get does not install them.
    """
    _make_directories(path)
    _install_busybox(path)
    (path / "var/lib/dpkg/status").touch()
    _make_null(path / "dev/null")
    _configure(path, settings)
    machine = Machine(path)
    wanted = list(packages)
    for arguments in (["update", "--error-on=any"], ["install", "--", *wanted]):
        run_or_raise([*_APT_GET, *arguments], environment=machine.environment)
    return machine


def copy_root(template: Machine, path: Path, settings: MachineSettings) -> Machine:
    """Make another machine with the same packages, but a name and an identity of its own.

    Much faster than `make_root`. The template must be at rest.
    """
    run_or_raise(["cp", "--archive", "--no-target-directory", template.root, path])
    for cache in (path / "var/cache/apt").glob("*.bin"):
        # Holds the template's paths, which apt would only find out to be useless.
        cache.unlink()
    _configure(path, settings)
    return Machine(path)


def _make_directories(root: Path) -> None:
    for name in _DIRECTORIES.split():
        (root / name).mkdir(parents=True)
    for link, target in _LINKS.items():
        (root / link).symlink_to(target)
    for name in ("tmp", "var/tmp"):
        (root / name).chmod(0o1777)


def _install_busybox(root: Path) -> None:
    shutil.copy(_BUSYBOX, root / "usr/bin/busybox")
    for tool in _TOOLS.split():
        (root / "usr/bin" / tool).symlink_to("busybox")


def _make_null(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        # Some containers forbid devices; a file that scripts may write to does as well.
        path.touch()
    path.chmod(0o666)


def _configure(root: Path, settings: MachineSettings) -> None:
    """Write all that names the machine or its root, over what a copy brought along."""
    root = root.resolve()
    keyring = root / "etc/apt/keyrings/archive-key.gpg"
    shutil.copyfile(settings.source.keyring, keyring)
    facts = (f'{key}="{value}"\n' for key, value in settings.os_release.items())
    texts = {
        "etc/hostname": f"{settings.hostname}\n",
        "etc/machine-id": f"{uuid.uuid4().hex}\n",
        "usr/lib/os-release": "".join(facts),
        "etc/apt/sources.list": _render_sources(settings.source, keyring),
        str(APT_CONFIGURATION): _render_apt_configuration(root),
    }
    for name, text in texts.items():
        (root / name).write_text(text, encoding="utf-8")


def _render_sources(source: AptSource, keyring: Path) -> str:
    components = " ".join(source.components)
    lines = (
        f"deb [signed-by={keyring}] {source.url} {suite} {components}\n" for suite in source.suites
    )
    return "".join(lines)


def _render_apt_configuration(root: Path) -> str:
    return f"""\
Dir "{root}";
Dir::State::status "{root}/var/lib/dpkg/status";
Dir::Bin::dpkg "/usr/bin/dpkg";
DPkg::Options {{ "--root={root}"; }};
APT::Sandbox::User "root";
Acquire::http::Proxy::127.0.0.1 "DIRECT";
"""
