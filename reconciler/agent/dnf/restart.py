"""What waits for a restart: packages of the core that are newer than the boot, and kernels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Optional

from reconciler.agent.dnf.rpm import RpmRecord
from reconciler.agent.home import read_bounded
from reconciler.agent.inventory import Inventory
from reconciler.model.updates import CatalogSlice
from reconciler.model.versions import compare_rpm

# Those of dnf's own `needs-restarting --reboothint`; kernels are told by what runs.
_CORE = frozenset(
    {"dbus", "dbus-broker", "dbus-daemon", "glibc", "linux-firmware", "microcode_ctl", "systemd"}
)
_KERNELS = frozenset({"kernel", "kernel-core", "kernel-rt", "kernel-rt-core"})
_ADDED = Path("etc/dnf/plugins/needs-restarting.d")
_LIMIT = 1024 * 1024


def core_packages(root: Path) -> frozenset[str]:
    """Name the packages whose change needs a restart; an administrator adds some by files."""
    folder = root / _ADDED
    texts = [_read(path) for path in sorted(folder.glob("*.conf"))] if folder.is_dir() else []
    lines = (line.partition("#")[0].strip() for text in texts for line in text.splitlines())
    return _CORE | {line for line in lines if line}


def restart_packages(
    records: Iterable[RpmRecord], core: Iterable[str], booted_at: Optional[int]
) -> frozenset[str]:
    """Name the packages of the core that were installed after the machine booted."""
    names = frozenset(core)
    return frozenset(
        one.package.name
        for one in records
        if one.package.name in names and booted_at is not None and one.installed_at >= booted_at
    )


def running_version(records: Iterable[RpmRecord], release: str) -> Optional[str]:
    """Give the version of the installed kernel that runs; nothing where none of them does.

    `release` is as `uname -r` tells it: version-release.architecture.
    """
    for one in records:
        package = one.package
        plain = package.version.rpartition(":")[2]
        if package.name in _KERNELS and f"{plain}.{package.architecture}" == release:
            return package.version
    return None


def waiting_kernels(
    catalog: CatalogSlice, installed: Inventory, running: Optional[str]
) -> frozenset[str]:
    """Give the updates that bring a kernel which is installed and newer than the one that runs.

    Nothing where the kernel that runs is none of the machine's packages, as in a container.
    """
    if running is None:
        return frozenset()
    return frozenset(
        update.id
        for update in catalog.updates
        if any(
            name in _KERNELS and name in installed and compare_rpm(version, running) > 0
            for name, _, version in update.packages
        )
    )


def is_newer_kernel_installed(newest: Mapping[str, str], running: Optional[str]) -> bool:
    """Tell whether a kernel waits to be started; `newest` are versions by name."""
    return running is not None and any(
        name in _KERNELS and compare_rpm(version, running) > 0 for name, version in newest.items()
    )


def read_boot_time(path: Path = Path("/proc/stat")) -> Optional[int]:
    """Give when the machine booted, in seconds since 1970."""
    for line in _read(path).splitlines():
        if line.startswith("btime "):
            return int(line.split()[1])
    return None


def _read(path: Path) -> str:
    try:
        return read_bounded(path, _LIMIT).decode(errors="replace")
    except (OSError, ValueError):
        return ""
