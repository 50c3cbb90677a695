"""The parts of the agent that every step works with, wired for one root."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reconciler.agent.child import Child
from reconciler.agent.choice import choose_packages
from reconciler.agent.client import Site
from reconciler.agent.clock import SiteClock, Stop, read_local_clock
from reconciler.agent.content import Content
from reconciler.agent.home import Home
from reconciler.agent.journal import Journal
from reconciler.agent.log import Log
from reconciler.agent.packages import PackageManager
from reconciler.agent.probes import Probes
from reconciler.agent.process import run_command


@dataclass(frozen=True)
class Machine:
    """One root with its package manager, and the agent's own memory of it."""

    root: Path
    packages: PackageManager
    probes: Probes
    content: Content
    child: Child
    journal: Journal
    clock: SiteClock
    log: Log
    stop: Stop


def make_packages(root: Path, home: Home, content: Content, log: Log) -> PackageManager:
    """Give the root's package manager; raises AgentError where its settings cannot be read."""
    return choose_packages(root, home.path, content, run_command, log)


def make_machine(root: Path, home: Home, site: Site, log: Log, stop: Stop) -> Machine:
    """Wire the parts; raises AgentError where the agent's own files cannot be read."""
    journal = Journal(home, read_local_clock())
    content = Content(home.path / "content", site)
    return Machine(
        root=root,
        packages=make_packages(root, home, content, log),
        probes=Probes(root, home.path / "probes.json", run_command, log),
        content=content,
        child=Child(home.path / "run"),
        journal=journal,
        clock=SiteClock(journal.ahead),
        log=log,
        stop=stop,
    )
