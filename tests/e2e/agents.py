"""A real agent process on a throwaway machine, at a fake site."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from reconciler.demo.apt_machine import Machine
from reconciler.demo.deb import DebPackage, build_deb
from reconciler.model.messages import StatusId
from reconciler.model.policy import OfferedUpdate
from reconciler.model.updates import SliceUpdate
from tests.e2e.fake_site import TOKEN, FakeSite, make_offer
from tests.e2e.rpm_machine import RpmMachine

STARTED, SUCCEEDED = (int(StatusId.PROGRAM_STARTED), ""), (int(StatusId.PROGRAM_SUCCEEDED), "")
DONE = (int(StatusId.DONE_NO_RESTART), "")
FAILED, REFUSED = int(StatusId.PROGRAM_FAILED), int(StatusId.RUN_REFUSED)
PROJECT = Path(__file__).parents[2]
# Another interpreter for the agents, such as the oldest that is supported; it needs cryptography.
PYTHON = os.environ.get("PATCHWRIGHT_AGENT_PYTHON", sys.executable)


class AgentOnMachine:
    """Runs `patchwright-agent` as a process of its own."""

    def __init__(self, machine: Machine | RpmMachine, url: str) -> None:
        self.machine = machine
        self.url = url
        self.token = machine.root.parent / f"{machine.root.name}.token"
        self.token.write_text(TOKEN)
        self._started: list[subprocess.Popen[bytes]] = []

    def command(self, *words: str) -> list[str]:
        root = str(self.machine.root)
        return [PYTHON, "-m", "reconciler.agent.main", *words, "--root", root]

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = self.command(*words)
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=PROJECT, timeout=50, check=False
        )
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def configure(self, **settings: object) -> None:
        """Write what the machine's administrator decides."""
        path = self.machine.root / "etc/patchwright/agent.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(settings))

    def enrol(self) -> None:
        self.run("enrol", "--server", self.url, "--token-file", str(self.token))

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.machine.root.parent / "agent.log").open("ab") as log:
            process = subprocess.Popen(self.command("run", *words), stderr=log, cwd=PROJECT)
        self._started.append(process)
        return process

    def close(self) -> None:
        """End what a failed test left running."""
        for process in self._started:
            process.kill()
            process.wait()

    @property
    def home(self) -> Path:
        return self.machine.root / "var/lib/patchwright-agent"


def wait_until(is_true, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def offer_packages(
    site: FakeSite, folder: Path, *packages: DebPackage, authorized: tuple[str, ...] = ()
) -> list[OfferedUpdate]:
    """Capture the packages and put one update for each authorized one (all) into the catalog."""
    debs = [build_deb(package, folder) for package in packages]
    chosen = [one for one in packages if not authorized or one.name in authorized]
    updates = []
    for one in chosen:
        pins = ((one.name, one.architecture, one.version),)
        updates.append(OfferedUpdate(f"deb:Lab/bookworm-security/{one.name}/{one.version}", pins))
    site.set_catalog(*(SliceUpdate(update.id, update.packages) for update in updates))
    site.manifest = site.capture(*debs)
    return updates


def app(version: str, **changes) -> DebPackage:
    return DebPackage(name="app", version=version, files={"usr/share/app": version}, **changes)


def offer(
    site: FakeSite, folder: Path, *packages: DebPackage, authorized: tuple[str, ...] = (), **changes
) -> list[OfferedUpdate]:
    """Capture the packages and offer an update for each authorized one (all)."""
    updates = offer_packages(site, folder, *packages, authorized=authorized)
    site.set_policy(offers=(make_offer(site.manifest, *updates, **changes),))
    return updates
