"""A whole site on this machine: a git repository, `patchwright run`, and agents on machines."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from git import Actor, Repo

from reconciler.app.home import Home
from reconciler.demo.apt_machine import Machine
from reconciler.demo.commands import LabError, run
from reconciler.demo.lab import Lab
from reconciler.engine.status import STATUS
from reconciler.model.canonical import Json

_AUTHOR = Actor("Patchwright demo", "demo@patchwright.invalid")
_POLL_SECONDS = 0.1
_STOP_SECONDS = 15
_PLACE = "http://127.0.0.1:18080"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass
class Process:
    """One of the site's programs, in a process group of its own, with its log in a file."""

    command: list[str]
    log: Path
    _running: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the program; its log grows."""
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id; LabError where it was not started."""
        if self._running is None:
            raise LabError(f"{self.command[0]} was not started")
        return self._running.pid

    @property
    def is_alive(self) -> bool:
        """Whether the program still runs."""
        return self._running is not None and self._running.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program alone."""
        os.kill(self.pid, number)

    def wait(self, within: timedelta) -> int:
        """Wait for its end and give its exit code; LabError when it does not end."""
        if self._running is None:
            raise LabError(f"{self.command[0]} was not started")
        try:
            return self._running.wait(within.total_seconds())
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{self.command[0]} has not ended within {within}") from error

    def kill(self) -> None:
        """Kill the program alone, as the kernel would when memory is short."""
        if self.is_alive and self._running is not None:
            self._running.kill()
            self._running.wait(_STOP_SECONDS)

    def stop(self) -> None:
        """Ask it to end, and kill it when it does not."""
        if not self.is_alive or self._running is None:
            return
        self._running.terminate()
        try:
            self._running.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


class World:
    """Everything below one folder; `close` stops all that was started."""

    def __init__(self, folder: Path, lab: Lab, manifests: Path) -> None:
        self.folder = folder
        self.lab = lab
        self.repository = folder / "repository"
        self.site = folder / "site"
        self.agents: dict[str, Process] = {}
        self._ready_file = folder / "url"
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "reconciler.cli", "run", "--site", str(self.site)]
        self.server = Process(
            [*command, "--ready-file", str(self._ready_file)], folder / "server.log"
        )
        self._git = self._make_repository(manifests)

    @property
    def url(self) -> str:
        """Where agents call, once the site serves."""
        return self._ready_file.read_text()

    def make_site(self) -> None:
        """Make the site's folder, on any free port, reading git every two seconds."""
        self.patchwright(
            "site", "init", str(self.site), "--source", str(self.repository), "--port", "0",
            "--interval", "2s",
        )  # fmt: skip

    def start_server(self) -> None:
        """Start the site and wait until agents may call; a restart keeps its address."""
        self._ready_file.unlink(missing_ok=True)
        self.server.start()
        self.wait_for(self._ready_file.exists, "the site to serve")
        self._keep_port()

    def add_agent(self, machine: Machine, facts: Mapping[str, Any]) -> None:
        """Give a machine its facts and a token, and start its agent."""
        name = machine.root.name
        place = machine.root / "etc/patchwright"
        place.mkdir(parents=True, exist_ok=True)
        (place / "facts.json").write_text(json.dumps(dict(facts)))
        token = self.folder / f"{name}.token"
        token.write_text(self.make_token())
        token.chmod(0o600)
        self.agents[name] = Process(
            [
                *self.agent_program(machine), "run", "--root", str(machine.root),
                "--server", self.url, "--token-file", str(token),
            ],
            self.folder / f"{name}.log",
        )  # fmt: skip
        self.agents[name].start()

    def agent_program(self, machine: Machine) -> list[str]:  # noqa: ARG002
        """Say which program is a machine's agent: the one of this project."""
        return [sys.executable, "-m", "reconciler.agent.main"]

    def make_token(self) -> str:
        """Give a new one-time enrolment token."""
        return self.patchwright("token", "--site", str(self.site))

    def commit(self, message: str, edits: Mapping[str, Callable[[str], str]]) -> str:
        """Edit manifests, commit them, and have the site read at once."""
        for name, edit in edits.items():
            path = self.repository / name
            path.write_text(edit(path.read_text() if path.exists() else ""))
        self._git.git.add(all=True)
        made = self._git.index.commit(message, author=_AUTHOR, committer=_AUTHOR)
        if self.server.is_alive:
            self.server.signal(signal.SIGHUP)
        return made.hexsha

    def status(self) -> Json:
        """Give the status of the newest pass, or None before the first."""
        store = Home(self.site).open_store()
        try:
            with store.read() as view:
                return view.documents.load(STATUS)
        finally:
            store.close()

    def wait_for(
        self,
        fact: Callable[[], object],
        what: str,
        within: timedelta = timedelta(seconds=60),
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        """Wait until the fact holds; LabError with the site's last log lines when it does not."""
        until = time.monotonic() + within.total_seconds()
        while not fact():
            watch()
            if time.monotonic() > until:
                raise LabError(f"waited {within} for {what}\n{self._last_words()}")
            time.sleep(_POLL_SECONDS)

    def patchwright(self, *arguments: str) -> str:
        """Run a command to its end; LabError unless its exit code is 0."""
        done = self.try_patchwright(*arguments)
        if done.returncode != 0:
            raise LabError(f"patchwright {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def try_patchwright(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever its exit code."""
        return run([sys.executable, "-m", "reconciler.cli", *arguments])

    def close(self) -> None:
        """Stop everything that was started, the agents all at once."""
        for agent in self.agents.values():
            if agent.is_alive:
                agent.signal(signal.SIGTERM)
        for agent in self.agents.values():
            agent.stop()
        self.server.stop()
        self._git.close()

    def _make_repository(self, manifests: Path) -> Repo:
        """Copy the manifests into a new repository, with the lab's archive in place of theirs."""
        shutil.copytree(manifests, self.repository)
        for path in self.repository.rglob("*.yaml"):
            text = path.read_text()
            text = text.replace(_PLACE, self.lab.url).replace(
                _KEYRING, str(self.lab.repository.keyring)
            )
            path.write_text(text)
        made = Repo.init(self.repository, initial_branch="main")
        made.git.add(all=True)
        made.index.commit("Begin", author=_AUTHOR, committer=_AUTHOR)
        return made

    def _keep_port(self) -> None:
        settings = self.site / "site.toml"
        port = self.url.rpartition(":")[2]
        settings.write_text(settings.read_text().replace("port = 0", f"port = {port}"))

    def _last_words(self) -> str:
        lines = []
        for log in sorted(self.folder.glob("*.log")):
            lines += [f"-- {log.name}", *log.read_text(errors="replace").splitlines()[-8:]]
        return "\n".join(lines)
