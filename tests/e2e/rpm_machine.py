"""Throwaway machines of the rhel family: each an rpm and dnf root of its own on this host.

Scripts of packages run chrooted into the root, where a static busybox is all that they find.
"""

import subprocess
from pathlib import Path
from shutil import copy2

from tests.e2e.rpms import RpmPackage, make_repository

BASE = RpmPackage(name="base", provides=("/bin/sh",))
_TOOLS = "cat chmod cp echo false grep kill ls mkdir mv rm sh sleep test touch true uname"
OS_RELEASE = 'ID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="{}"\n'
_FOLDERS = (
    "dev etc/dnf/plugins etc/yum.repos.d proc root run sys tmp usr/bin var/cache var/lib/rpm"
    " var/log"
)


class RpmMachine:
    """A root that exists; for looking at it and working on it as its administrator would."""

    def __init__(self, root: Path, *, release: str = "9.4") -> None:
        self.root = root
        self.repository = root.parent / f"{root.name}.repository"
        for name in _FOLDERS.split():
            (root / name).mkdir(parents=True)
        (root / "bin").symlink_to("usr/bin")
        copy2("/bin/busybox", root / "usr/bin/busybox")
        for name in _TOOLS.split():
            (root / "usr/bin" / name).symlink_to("busybox")
        self.write("etc/os-release", OS_RELEASE.format(release))
        self.write("etc/hostname", f"{root.name}\n")
        self.write("root/.rpmmacros", "%_dbpath /var/lib/rpm\n")
        self.install(BASE)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def install(self, *packages: RpmPackage) -> None:
        """Install packages from a repository, as the administrator would."""
        make_repository(self.repository, *packages)
        done = self.dnf("install", *(f"{one.name}-{one.evr}" for one in packages))
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    def dnf(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the host's dnf on this root, with the machine's repository only."""
        repository = self.root.parent / f"{self.root.name}.repos"
        repository.mkdir(exist_ok=True)
        (repository / "lab.repo").write_text(
            f"[lab]\nname=lab\nbaseurl=file://{self.repository}\ngpgcheck=0\nmodule_hotfixes=1\n"
        )
        work = self.root.parent / f"{self.root.name}.dnf"
        (work / "log").mkdir(parents=True, exist_ok=True)
        options = {
            "reposdir": repository,
            "cachedir": work / "cache",
            "logdir": work / "log",
            "persistdir": self.root / "var/lib/dnf",
        }
        settings = [f"--setopt={name}={value}" for name, value in options.items()]
        command = [
            *("dnf", "--assumeyes", f"--installroot={self.root}", "--releasever=9"),
            *("--disableplugin=local", "--refresh", *settings, *words),
        ]
        return self._run(*command)

    def packages(self) -> dict[str, str]:
        """Give the installed versions by name; of several the last that rpm lists."""
        form = "%{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n"
        listed = self._run(
            "rpm", "--root", str(self.root), "--dbpath", "/var/lib/rpm", "-qa", "--qf", form
        )
        pairs = (line.split(" ") for line in listed.stdout.splitlines())
        return {name: version for name, version in pairs if name != "base"}

    def reason_of(self, name: str) -> str:
        """Say why dnf thinks that a package is there: `user`, `dependency` or else."""
        listed = self.dnf("repoquery", "--installed", "--qf", "%{reason}", name)
        return listed.stdout.strip().splitlines()[-1]

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.root / "root"),
            "LC_ALL": "C.UTF-8",
        }
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
