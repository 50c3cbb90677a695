"""A site with one reference and one production machine, and ways to look into it and hurt it."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home, make_token
from reconciler.demo.apt_machine import Machine
from reconciler.demo.deb import DebPackage
from reconciler.demo.show import MANIFESTS
from reconciler.demo.world import World
from reconciler.model.canonical import Json
from reconciler.model.messages import StatusMessage
from reconciler.model.updates import UpdateState
from reconciler.observed.memory import Memory
from reconciler.store import View

REFERENCE, PRODUCTION = "reference-1", "web-1"
RINGS: Mapping[str, str] = {REFERENCE: "reference", PRODUCTION: "production"}
SECURITY = "bookworm-security"
WITHIN = timedelta(seconds=30)
# The example manifests, for two machines and in a hurry.
_EDITS = {
    "minReported: 2": "minReported: 1",
    "minReported: 3": "minReported: 1",
    "soak: 3s": "soak: 1s",
    "recurrence: 1m": "recurrence: 2s",
}


class SmallSite(World):
    """Everything that was ever started is known, so that `leftovers` finds what outlived it."""

    machines: dict[str, Machine]

    def build(self, old: DebPackage, new: DebPackage, **edits: Callable[[str], str]) -> None:
        """Make machines with the old version installed and the new one on offer, and the site.

        `edits` change manifests by their name without `.yaml`, before the first commit.
        """
        self.lab.repository.publish("bookworm", [old])
        fleet = self.lab.make_fleet(tuple(RINGS), [old.name])
        self.machines = {machine.root.name: machine for machine in fleet}
        self.lab.repository.publish(SECURITY, [new])
        self.commit("Hurry", {f"{name}.yaml": edit for name, edit in edits.items()})
        self.make_site()

    def start(self, **facts: str) -> None:
        """Start the site and an agent on every machine."""
        self.start_server()
        for name, machine in self.machines.items():
            self.add_agent(machine, {"ring": RINGS[name], **facts})
        self.wait(lambda: self.look(_count_computers) == len(RINGS), "all to enrol")

    def make_token(self) -> str:
        """Make it in this process: a command for every machine takes long."""
        store = Home(self.site).open_store()
        try:
            return make_token(store, SystemClock(), "test")
        finally:
            store.close()

    def restart_server(self) -> None:
        """Start the site again, whatever became of the last one."""
        self.server.stop()
        self.start_server()

    def look(self, see: Callable[[View], object]) -> object:
        """Look at the store."""
        store = Home(self.site).open_store()
        try:
            with store.read() as view:
                return see(view)
        finally:
            store.close()

    def memory(self) -> Memory:
        """Give all records."""
        found = self.look(lambda view: view.records.load_memory())
        assert isinstance(found, Memory)
        return found

    def messages(self, name: str) -> list[tuple[int, int]]:
        """Give the run and the id of every status message of a machine, oldest first."""

        def see(view: View) -> list[StatusMessage]:
            computers, _ = view.computers.changed_since(0)
            mine = next(one for one in computers if one.name == name)
            return view.statuses.of_computer(mine.id, 100)[::-1]

        found = self.look(see)
        assert isinstance(found, list)
        return [(one.run, one.id) for one in found]

    def revision(self) -> Json:
        """Give what the status says of git."""
        status = self.status()
        return status["revision"] if status else {"attempted": "", "applied": "", "failure": ""}

    def offered(self) -> set[str]:
        """Give the phases that have an advertisement."""
        return {one.phase for one in self.memory().advertisements.values()}

    def versions(self, package: str) -> list[str | None]:
        """Give what dpkg says of a package, machine by machine."""
        return [machine.installed().get(package) for machine in self.machines.values()]

    def wait(self, fact: Callable[[], object], what: str) -> None:
        """Wait until the fact holds."""
        self.wait_for(fact, what, WITHIN)

    def wait_converged(self) -> None:
        """Wait until both machines comply and nothing is left to do."""
        self.wait(self.is_converged, "the rollout to converge")

    def is_converged(self) -> bool:
        """Whether both phases have succeeded."""
        status = self.status()
        return bool(status and status["phases"] and status["converged"])

    def wait_applied(self, commit: str) -> None:
        """Wait until the commit is in force."""
        self.wait(lambda: self.revision()["applied"] == commit, f"commit {commit[:8]} to apply")

    def conditions(self) -> set[tuple[str, str]]:
        """Give the subject and type of every condition."""
        status = self.status()
        return {(one["subject"], one["type"]) for one in status["conditions"]} if status else set()

    def missing(self) -> int:
        """Count the machines that miss an update, by their last scan."""

        def see(view: View) -> int:
            computers, _ = view.computers.changed_since(0)
            return sum(UpdateState.MISSING in one.states.values() for one in computers)

        found = self.look(see)
        assert isinstance(found, int)
        return found

    def servers(self) -> list[int]:
        """Give the ids of the site's processes beside the engine."""
        return [one for one in group_of(self.server.pid) if one != self.server.pid]

    def log(self, name: str) -> str:
        """Give the log of a machine's agent."""
        return (self.folder / f"{name}.log").read_text()


def copy_manifests(folder: Path) -> Path:
    """Copy the example manifests with what suits two machines."""
    folder.mkdir()
    for path in MANIFESTS.glob("*.yaml"):
        text = path.read_text()
        for old, new in _EDITS.items():
            text = text.replace(old, new)
        (folder / path.name).write_text(text)
    return folder


def group_of(leader: int) -> list[int]:
    """Give the ids of the live processes of a group."""
    return [one for one in _processes() if _group(one) == leader]


def processes_about(path: Path) -> list[str]:
    """Give the command lines that name a path: what was started for a site or a machine."""
    return [words for one in _processes() if str(path) in (words := _words(one))]


def kill(process: int) -> None:
    """Kill one process, as the kernel would when memory is short."""
    os.kill(process, signal.SIGKILL)


def facts_of(site: SmallSite) -> str:
    """Give everything that a controller could have changed, as one text to compare."""
    memory = site.memory()
    return json.dumps([repr(memory), site.status()], sort_keys=True)


def _count_computers(view: View) -> int:
    return len(view.computers.changed_since(0)[0])


def _processes() -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*"):
        # A killed one that its parent has not yet been told of runs no more.
        with suppress(OSError):
            if "\nState:\tZ" not in (path / "status").read_text():
                yield int(path.name)


def _group(process: int) -> int | None:
    with suppress(OSError):
        return os.getpgid(process)
    return None


def _words(process: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""
