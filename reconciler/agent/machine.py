"""The parts of the agent that every step works with, wired for one root."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reconciler.agent.boot import Boot
from reconciler.agent.child import Child
from reconciler.agent.choice import choose_packages
from reconciler.agent.client import Site
from reconciler.agent.clock import SiteClock, Stop, read_local_clock
from reconciler.agent.configuration import Configuration, load_configuration
from reconciler.agent.content import Content
from reconciler.agent.detection import Detector
from reconciler.agent.executables import Executables
from reconciler.agent.home import Home
from reconciler.agent.journal import Journal
from reconciler.agent.log import Log
from reconciler.agent.notices import Notices
from reconciler.agent.own_steps import OwnSteps
from reconciler.agent.packages import PackageManager
from reconciler.agent.patching import PatchingSignal
from reconciler.agent.probes import Probes
from reconciler.agent.process import run_command
from reconciler.agent.surroundings import Surroundings
from reconciler.agent.system_log import SystemLog

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Machine:
    """One root with its package manager, and the agent's own memory of it."""

    root: Path
    configuration: Configuration
    boot: Boot
    packages: PackageManager
    own_steps: OwnSteps
    detector: Detector
    executables: Executables
    probes: Probes
    content: Content
    child: Child
    hook_child: Child
    signal: PatchingSignal
    system_log: SystemLog
    notices: Notices
    journal: Journal
    clock: SiteClock
    log: Log
    stop: Stop


def make_surroundings(root: Path) -> Surroundings:
    """Give the root with what its administrator decided; raises AgentError."""
    configuration = load_configuration(root)
    return Surroundings(root, configuration, Boot(root, configuration.restart_command, run_command))


def make_packages(machine: Surroundings, home: Home, content: Content, log: Log) -> PackageManager:
    """Give the root's package manager; raises AgentError where its settings cannot be read."""
    return choose_packages(machine, home.path, content, run_command, log)


def make_machine(root: Path, home: Home, site: Site, log: Log, stop: Stop) -> Machine:
    """Wire the parts; raises AgentError where the agent's own files cannot be read."""
    journal = Journal(home, read_local_clock())
    content = Content(home.path / "content", site)
    machine = make_surroundings(root)
    packages = make_packages(machine, home, content, log)
    return Machine(
        root=root,
        configuration=machine.configuration,
        boot=machine.boot,
        packages=packages,
        own_steps=OwnSteps(root, content, machine.configuration.min_free_mb * _MEBIBYTE),
        detector=Detector(root, run_command, packages.compare),
        executables=Executables(root, home.path / "executables.json", log),
        probes=Probes(root, home.path / "probes.json", run_command, log),
        content=content,
        child=Child(home.path / "run"),
        hook_child=Child(home.path / "hook"),
        signal=PatchingSignal(root),
        system_log=SystemLog(root),
        notices=Notices(machine.configuration.notify, run_command, log),
        journal=journal,
        clock=SiteClock(journal.memory.ahead),
        log=log,
        stop=stop,
    )
