"""What a scan says of each update: pure, by dpkg's own order (S10)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from reconciler.agent.dpkg import Installed
from reconciler.agent.home import read_bounded
from reconciler.model.updates import CatalogSlice, SliceUpdate, UpdateState
from reconciler.model.versions import compare_dpkg

_RESTART_MARKS = ("run/reboot-required.pkgs", "var/run/reboot-required.pkgs")
_LIST_LIMIT = 1024 * 1024

Inventory = dict[str, tuple[Installed, ...]]


def group_by_name(packages: Iterable[Installed]) -> Inventory:
    """Give the installed packages of each name, one for each architecture."""
    grouped: dict[str, list[Installed]] = {}
    for package in packages:
        grouped.setdefault(package.name, []).append(package)
    return {name: tuple(found) for name, found in grouped.items()}


def judge_updates(
    catalog: CatalogSlice, installed: Inventory, restart: Collection[str]
) -> dict[str, UpdateState]:
    """Give the state of every update of the slice that applies here (S10).

    Not applicable (left out) = none of its packages is installed; missing = one is older, or was
    left half-way; installed = all are at or above; pending restart = installed, and the machine
    waits for a restart because of one of them.
    """
    states: dict[str, UpdateState] = {}
    for update in catalog.updates:
        state = _judge(update, installed, restart)
        if state is not UpdateState.NOT_APPLICABLE:
            states[update.id] = state
    return states


def packages_to_install(
    packages: Iterable[tuple[str, str, str]], installed: Inventory
) -> tuple[tuple[str, str, str], ...]:
    """Choose those of an update's packages that are installed here and older, or half-way.

    Each is (name, architecture, version).
    """
    return tuple(
        (name, architecture, version)
        for name, architecture, version in packages
        for found in _matching(installed, name, architecture)
        if _is_missing(found, version)
    )


def read_restart_packages(root: Path) -> frozenset[str]:
    """Name the packages for which the machine waits for a restart."""
    return frozenset(name for mark in _RESTART_MARKS for name in _read_words(root / mark))


def _judge(update: SliceUpdate, installed: Inventory, restart: Collection[str]) -> UpdateState:
    applies = False
    for name, architecture, version in update.packages:
        for found in _matching(installed, name, architecture):
            applies = True
            if _is_missing(found, version):
                return UpdateState.MISSING
    if not applies:
        return UpdateState.NOT_APPLICABLE
    if any(name in restart and name in installed for name, _, _ in update.packages):
        return UpdateState.PENDING_RESTART
    return UpdateState.INSTALLED


def _matching(installed: Inventory, name: str, architecture: str) -> list[Installed]:
    # A package may change between `all` and one architecture from one version to the next.
    return [
        found
        for found in installed.get(name, ())
        if found.architecture == architecture or "all" in {found.architecture, architecture}
    ]


def _is_missing(found: Installed, version: str) -> bool:
    return not found.whole or compare_dpkg(found.version, version) < 0


def _read_words(path: Path) -> list[str]:
    try:
        return read_bounded(path, _LIST_LIMIT).decode(errors="replace").split()
    except (OSError, ValueError):
        return []
