"""Which package manager a machine has."""

from __future__ import annotations

from pathlib import Path

from reconciler.agent.apt.manager import AptPackages
from reconciler.agent.content import Content
from reconciler.agent.dnf.manager import DnfPackages
from reconciler.agent.dnf.rpm import find_database
from reconciler.agent.facts import os_family
from reconciler.agent.log import Log
from reconciler.agent.packages import PackageManager
from reconciler.agent.process import Runner
from reconciler.agent.surroundings import Surroundings


def choose_packages(
    machine: Surroundings, path: Path, content: Content, runner: Runner, log: Log
) -> PackageManager:
    """Give the root's package manager; `path` is a directory of the agent."""
    if has_rpms(machine.root):
        return DnfPackages(machine, path / "dnf", content, runner, log)
    return AptPackages(machine, path / "repository", content, runner, log)


def has_rpms(root: Path) -> bool:
    """Tell by the system's own name, or else by whose database there is."""
    family = os_family(root)
    if family:
        return family in {"rhel", "suse"}
    return find_database(root) is not None and not (root / "var/lib/dpkg/status").is_file()
