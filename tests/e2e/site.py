"""A small site with real agents on throwaway machines: what can be done to it and seen of it."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home, make_token
from reconciler.demo.apt_machine import Machine
from reconciler.demo.deb import DebPackage
from reconciler.demo.world import World
from reconciler.model.computers import Computer
from reconciler.model.messages import StatusId, StatusMessage
from reconciler.model.objects import Advertisement
from reconciler.model.rollouts import PhaseRecord, PhaseState, Release
from reconciler.model.updates import UpdateState
from reconciler.observed.memory import Memory
from reconciler.store import View

MANIFESTS = Path(__file__).parent / "manifests"
OLD, NEW = "1.0-1", "1.1-1"
# Made on the machines where a package must not install.
BREAKS = "etc/breaks"
_WITHIN = timedelta(seconds=40)
_LOOK_EVERY = 0.1


def make_package(name: str, version: str, *, fails: str = "") -> DebPackage:
    """A package whose `postinst` exits 7 where the shell condition holds."""
    script = f"if {fails}; then exit 7; fi" if fails else "true"
    files = {f"usr/share/{name}/version": version}
    return DebPackage(name=name, version=version, files=files, scripts={"postinst": script})


def update_of(name: str) -> str:
    """The id of the update that brings a package's new version."""
    return f"deb:Lab/bookworm-security/{name}/{NEW}"


def replacing(old: str, new: str) -> Callable[[str], str]:
    """An edit of a manifest, which must find what it replaces."""

    def edit(text: str) -> str:
        assert old in text, f"{old!r} is not in the manifest"
        return text.replace(old, new)

    return edit


def writing(text: str) -> Callable[[str], str]:
    """An edit that writes a manifest anew."""
    return lambda _: text


class SiteWorld(World):
    """A site whose machines are in the ring that their names begin with."""

    def __init__(self, folder: Path, lab) -> None:
        super().__init__(folder, lab, MANIFESTS)
        self.machines: dict[str, Machine] = {}

    def add_machines(self, *names: str, packages: tuple[str, ...] = ("app",)) -> None:
        """Install the old versions, which the archive has already, on machines without agents."""
        self.lab.repository.publish("bookworm", [make_package(name, OLD) for name in packages])
        made = self.lab.make_fleet(names, packages)
        self.machines |= {machine.root.name: machine for machine in made}

    def publish(self, *packages: DebPackage) -> None:
        """Publish security updates."""
        self.lab.repository.publish("bookworm-security", packages)

    def begin(self, *names: str) -> None:
        """Start the site, and the agents of these machines or of all."""
        self.start_server()
        self.enrol(*(names or self.machines))

    def make_token(self) -> str:
        """Make it in this process: a command for every machine takes long."""
        store = Home(self.site).open_store()
        try:
            return make_token(store, SystemClock(), "test")
        finally:
            store.close()

    def enrol(self, *names: str) -> None:
        """Start the agents of machines."""
        for name in names:
            self.add_agent(self.machines[name], {"ring": name.partition("-")[0]})

    def edit(self, name: str, old: str, new: str) -> str:
        """Commit one edit of a manifest."""
        return self.commit(f"Edit {name}", {name: replacing(old, new)})

    def wait_until_applied(self, commit: str) -> None:
        """Wait until a pass has taken the commit into force."""
        self.wait_for(lambda: self._applied() == commit, f"commit {commit} to be in force", _WITHIN)

    def wait_until_converged(self, release: int, phase: str = "production") -> None:
        """Wait until a release has passed its last phase and the fleet complies."""

        def is_done() -> bool:
            passed = self.state(phase, release) is PhaseState.SUCCEEDED
            return passed and self.status()["converged"]

        self.wait_for(is_done, f"release {release} to converge", _WITHIN)

    def wait_until_state(self, state: PhaseState, phase: str, release: int = 1) -> None:
        """Wait until a release stands so in a phase."""
        what = f"release {release} to be {state.value} in {phase}"
        self.wait_for(lambda: self.state(phase, release) is state, what, _WITHIN)

    def wait_until_missing(self, update: str, *names: str) -> None:
        """Wait until the scans of the machines report an update missing."""

        def is_missing() -> bool:
            states = [self.computer(name).states.get(update) for name in names if self.knows(name)]
            return states == [UpdateState.MISSING] * len(names)

        self.wait_for(is_missing, f"{update} to be reported missing on {names}", _WITHIN)

    def stays(self, fact: Callable[[], object], seconds: float = 2) -> bool:
        """Tell whether the fact holds now and for a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not fact():
                return False
            time.sleep(_LOOK_EVERY)
        return True

    @contextmanager
    def view(self) -> Iterator[View]:
        """The site's database as it is now."""
        store = Home(self.site).open_store()
        try:
            with store.read() as view:
                yield view
        finally:
            store.close()

    def versions(self, name: str) -> dict[str, str]:
        """What dpkg has on a machine."""
        return self.machines[name].installed()

    def computers(self) -> dict[str, Computer]:
        """All that have enrolled, by name."""
        with self.view() as view:
            return {one.name: one for one in view.computers.changed_since(0)[0]}

    def knows(self, name: str) -> bool:
        """Whether a machine has enrolled."""
        return name in self.computers()

    def computer(self, name: str) -> Computer:
        """One that has enrolled."""
        return self.computers()[name]

    def messages(self, name: str, kind: StatusId) -> list[StatusMessage]:
        """The status messages of one kind of a machine, newest first."""
        computer = self.computer(name)
        with self.view() as view:
            found = view.statuses.of_computer(computer.id, 1000)
        return [one for one in found if one.id == kind]

    def has_run(self, name: str) -> bool:
        """Whether a program ever started on a machine."""
        return bool(self.messages(name, StatusId.PROGRAM_STARTED))

    def memory(self) -> Memory:
        """Releases, phases and derived objects."""
        with self.view() as view:
            return view.records.load_memory()

    def release(self, number: int = 1) -> Release:
        """A release of the rollout."""
        return self.memory().releases["web", number]

    def offered(self, number: int = 1) -> set[str]:
        """The updates that are left in a release."""
        return {update.id for update in self.release(number).offered()}

    def phase(self, name: str, release: int = 1) -> PhaseRecord | None:
        """The record of a release in a phase; nothing before it opens."""
        return self.memory().phases.get(("web", release, name))

    def state(self, phase: str, release: int = 1) -> PhaseState | None:
        """How a release stands in a phase."""
        record = self.phase(phase, release)
        return record.state if record else None

    def offers(self) -> list[Advertisement]:
        """All live advertisements, in order of their ids."""
        return list(self.memory().advertisements.values())

    def conditions(self) -> set[str]:
        """The types of the conditions that the newest pass has told."""
        status = self.status()
        return {one["type"] for one in status["conditions"]} if status else set()

    def git(self, *arguments: str) -> None:
        """Run git in the repository, as a person would."""
        identity = ["-c", "user.name=Ines", "-c", "user.email=ines@corp.example"]
        self._git.git.execute(["git", *identity, *arguments])

    def command(self, name: str):
        """Run a command on the site."""
        return self.try_patchwright(name, "--site", str(self.site))

    def dump(self) -> list[str]:
        """Every row of the database but the controller's lease, which is renewed by time."""
        with closing(sqlite3.connect(Home(self.site).database)) as connection:
            lines = list(connection.iterdump())
        return [line for line in lines if not line.startswith('INSERT INTO "lease"')]

    def _applied(self) -> str:
        status = self.status()
        return status["revision"]["applied"] if status else ""
