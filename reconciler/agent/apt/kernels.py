"""Kernels of Debian: packages that are new with each release, and count when they run (S10)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.agent.boot import Kernel
from reconciler.agent.inventory import Inventory
from reconciler.agent.packages import Pin
from reconciler.model.updates import CatalogSlice
from reconciler.model.versions import compare_dpkg

_IMAGE = re.compile(r"linux-image-(?:unsigned-)?([0-9]\S*)", re.ASCII)
# Debian writes the package's version into `uname -v`; others give each build a release of its own.
_BUILD = re.compile(r"\bDebian (\S+)", re.ASCII)


def waiting_for_kernel(
    catalog: CatalogSlice, installed: Inventory, running: Kernel
) -> frozenset[str]:
    """Give the ids of updates whose kernel is on the disk and does not run yet.

    A root without a kernel of its own waits for none.
    """
    if not running.release:
        return frozenset()
    return frozenset(
        update.id for update in catalog.updates if not _runs(update.packages, installed, running)
    )


def _runs(packages: Iterable[Pin], installed: Inventory, running: Kernel) -> bool:
    """Tell whether a kernel at or above the update's runs, where the update brings one.

    Of several flavours in one update any one may run.
    """
    images = [
        (found[1], version)
        for name, _, version in packages
        for found in [_IMAGE.fullmatch(name)]
        if found is not None and name in installed
    ]
    return not images or any(_is_reached(release, version, running) for release, version in images)


def _is_reached(release: str, version: str, running: Kernel) -> bool:
    build = _BUILD.search(running.version)
    try:
        order = compare_dpkg(running.release, release)
        if order != 0 or build is None:
            return order >= 0
        return compare_dpkg(build[1], version) >= 0
    except ValueError:
        # Whoever built that kernel did not number it as Debian does.
        return False
