"""The main job before your eyes: git to compliance on throwaway machines, then once more."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from reconciler.demo.apt_machine import Machine
from reconciler.demo.commands import LabError
from reconciler.demo.deb import DebPackage
from reconciler.demo.lab import Lab, open_lab
from reconciler.demo.world import World
from reconciler.engine.conditions import OF_SITE
from reconciler.model.canonical import Json

MANIFESTS = Path(__file__).parent / "manifests"
FLEET = ("reference-1", "reference-2", "web-1", "web-2", "web-3", "db-1")
PRODUCTS = ("webapp", "libcodec", "logship")
OLD, NEW = "1.0-1", "1.1-1"
_WITHIN = timedelta(seconds=90)


def run_demo(*, keep: bool) -> int:
    """Run the demo; 0 only when the fleet really converged twice."""
    console = Console()
    # Being asked to end must clean up as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="patchwright-demo-"))
    folder.chmod(0o755)
    try:
        with open_lab(folder / "lab") as lab:
            machines = make_machines(lab)
            with _open_world(folder, lab) as world:
                converged = _play(console, world, machines)
                if keep:
                    _stay(console, world)
        return 0 if converged else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_machines(lab: Lab) -> list[Machine]:
    """Install the old versions everywhere, then publish the security updates."""
    lab.repository.publish("bookworm", [_package(name, OLD) for name in PRODUCTS])
    machines = lab.make_fleet(FLEET, PRODUCTS)
    lab.repository.publish("bookworm-security", [_package(name, NEW) for name in PRODUCTS])
    return machines


def _play(console: Console, world: World, machines: list[Machine]) -> bool:
    console.print(f"{len(machines)} machines with webapp, libcodec and logship {OLD}")
    world.start_server()
    for machine in machines:
        ring = "reference" if machine.root.name.startswith("reference") else "production"
        world.add_agent(machine, {"ring": ring})
    console.rule("commit 1 authorizes webapp and libcodec")
    _watch(console, world, release=1)
    _check(machines, {"webapp": NEW, "libcodec": NEW, "logship": OLD})
    _check_empty(world)
    console.rule("commit 2 authorizes logship as well")
    world.commit("Authorize logship", {"september.yaml": _add_logship})
    _watch(console, world, release=2)
    _check(machines, dict.fromkeys(PRODUCTS, NEW))
    _check_empty(world)
    console.rule("status")
    console.print(_table(world.status(), everything=True))
    console.print(f"converged twice: {len(machines)} machines, {len(PRODUCTS)} updates each")
    return True


def _watch(console: Console, world: World, release: int) -> None:
    """Show the phases until the release has converged."""
    with Live(console=console, refresh_per_second=4, transient=True) as live:

        def draw() -> None:
            live.update(_table(world.status()))

        def is_done() -> bool:
            status = world.status()
            return (
                status is not None
                and status["converged"]
                and any(count["release"] == release for count in status["phases"])
            )

        world.wait_for(is_done, f"release {release} to converge", _WITHIN, draw)
    console.print(_table(world.status()))


def _table(status: Json, *, everything: bool = False) -> Group:
    table = Table(box=None, pad_edge=False)
    for column in ("release", "phase", "state", "compliant", "", "missing", "failed"):
        table.add_column(column)
    for count in status["phases"] if status else ():
        target, compliant = count["target"], count["compliant"]
        table.add_row(
            str(count["release"]),
            count["phase"],
            count["state"],
            f"{compliant}/{target}",
            ProgressBar(total=max(target, 1), completed=compliant, width=24),
            str(count["missing"]),
            str(count["failed"]),
        )
    conditions = status["conditions"] if status and everything else ()
    lines = [
        Text(f"{one['type']}: {one['subject']}: {one['message']}")
        for one in conditions
        if one["type"] not in OF_SITE
    ]
    return Group(table, *lines)


def _check(machines: list[Machine], expected: Mapping[str, str]) -> None:
    """Look at dpkg's own database, not at what we believe."""
    for machine in machines:
        found = {name: machine.installed().get(name) for name in expected}
        if found != dict(expected):
            raise LabError(f"{machine.root.name} has {found}, not {dict(expected)}")


def _check_empty(world: World) -> None:
    done = world.try_patchwright("plan", "--site", str(world.site))
    if done.returncode != 0:
        raise LabError(f"a second pass still plans something:\n{done.stdout}{done.stderr}")


def _add_logship(text: str) -> str:
    return text.replace("      - libcodec\n", "      - libcodec\n      - logship\n")


def _package(name: str, version: str) -> DebPackage:
    script = f"#!/bin/sh\necho {version} > /var/lib/{name}.version\n"
    return DebPackage(
        name=name,
        version=version,
        files={f"usr/share/{name}/version": f"{version}\n"},
        scripts={"postinst": script},
    )


@contextmanager
def _open_world(folder: Path, lab: Lab) -> Iterator[World]:
    world = World(folder, lab, MANIFESTS)
    try:
        world.make_site()
        yield world
    finally:
        world.close()


def _stay(console: Console, world: World) -> None:
    console.print(f"the site runs in {world.site}; its repository is {world.repository}")
    console.print(f"look:  patchwright status --site {world.site}")
    console.print("end:   Ctrl-C, which stops and removes everything")
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print("stopping")
