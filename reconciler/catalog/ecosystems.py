"""What the names of OSV ecosystems tell: the release, and how versions are ordered."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

from reconciler.model.versions import dpkg_key, rpm_key

Key: TypeAlias = Any
"""What sorts versions; keys of one ecosystem compare with each other only."""
_RPM = frozenset({"almalinux", "rocky-linux", "red-hat", "suse", "opensuse", "mageia", "openeuler"})
_DPKG = frozenset({"debian", "ubuntu"})


def release_of(ecosystem: str) -> str:
    """Give the operating-system release as agents tell it: `AlmaLinux:9` is `almalinux-9`."""
    name, version = _parts(ecosystem)
    return f"{name}-{version}" if version else name


@lru_cache(maxsize=1024)
def order_of(ecosystem: str) -> Callable[[str], Key] | None:
    """Give the key that sorts versions as the ecosystem does; nothing where that is not known."""
    name, _ = _parts(ecosystem)
    if name in _RPM:
        return rpm_key
    return dpkg_key if name in _DPKG else None


def _parts(ecosystem: str) -> tuple[str, str]:
    name, _, version = ecosystem.lower().replace(" ", "-").partition(":")
    return name, version.partition(":")[0]
