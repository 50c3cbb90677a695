"""Packages that are on the machine, whoever manages them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Installed:
    """One package on the machine; one that is not `whole` was left half-way.

    `module` is the `name:stream` that an rpm was built for, if any.
    """

    name: str
    architecture: str
    version: str
    whole: bool
    held: bool
    module: str = ""


Inventory = dict[str, tuple[Installed, ...]]


def group_by_name(packages: Iterable[Installed]) -> Inventory:
    """Give the installed packages of each name, one for each architecture."""
    grouped: dict[str, list[Installed]] = {}
    for package in packages:
        grouped.setdefault(package.name, []).append(package)
    return {name: tuple(found) for name, found in grouped.items()}


def name_packages(packages: Iterable[Installed], native: str) -> dict[str, str]:
    """Give versions by name (A2); a package of a foreign architecture is `name:architecture`."""
    return {
        package.name
        if package.architecture in {native, "all"}
        else f"{package.name}:{package.architecture}": package.version
        for package in packages
        if package.whole
    }
