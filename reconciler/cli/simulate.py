"""`patchwright simulate`: the real planner over an invented fleet, in virtual time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

import typer

from reconciler.cli.catalog_at_hand import load_catalog_at_hand
from reconciler.cli.fleet_file import load_fleet_spec
from reconciler.desired.link import link
from reconciler.desired.state import DesiredState
from reconciler.engine.desire import refuses
from reconciler.model.canonical import Json, canonical_json
from reconciler.model.errors import ManifestError, ReconcilerError, SettingsError
from reconciler.model.times import parse_duration
from reconciler.model.updates import Update
from reconciler.observed.catalog import Catalog
from reconciler.observed.memory import Memory
from reconciler.planning.world import SiteIdentity
from reconciler.simulation.clockwork import Scene, Simulation, Span
from reconciler.simulation.estate import Estate
from reconciler.simulation.generate import generate
from reconciler.simulation.timeline import Timeline
from reconciler.source.folder import read_folder
from reconciler.source.load import load_manifests

_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=1)
_COMMIT = "simulated"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says."""

    manifests: Path
    fleet: Path
    catalog: Path | None
    site: str | None
    days: int
    tick: str
    seed: int
    now: datetime | None


def simulate(asked: Asked, output: Path | None) -> int:
    """Write the timeline as JSON lines, its summary last; exit code 0 when it came to its end."""
    step = read_tick(asked.tick)
    begin = (asked.now or datetime.now(UTC)).replace(second=0, microsecond=0)
    desired = load_desired(asked.manifests, begin)
    site = choose_site(desired, asked.site)
    made = generate(load_fleet_spec(asked.fleet), _catalog(asked.catalog), begin, asked.seed)
    scene = Scene(desired, site, Memory(), Catalog(), made.arrivals)
    span = Span(begin, begin + timedelta(days=asked.days), step)
    simulation = Simulation(scene, Estate(made.fleet), made.behaviour, span, asked.seed)
    with _opened(output) as file:
        for event in _events(simulation, asked.seed):
            file.write(canonical_json(event).decode() + "\n")
    return 0


def load_desired(folder: Path, now: datetime) -> DesiredState:
    """Link a folder's manifests; what is not carried out yet is told, and has no effect."""
    desired, problems = link(load_manifests(read_folder(folder), _COMMIT), now)
    if desired is None:
        raise ManifestError(problems)
    for problem in problems:
        if refuses(problem):
            typer.echo(f"has no effect here: {problem}", err=True)
    return desired


def choose_site(desired: DesiredState, name: str | None) -> SiteIdentity:
    """Give the one site of the manifests, or the named one; raises SettingsError."""
    names = sorted(desired.sites)
    chosen = name or (names[0] if len(names) == 1 else None)
    if chosen is None or chosen not in desired.sites:
        known = ", ".join(names) or "none"
        message = f"there is no Site {name!r}" if name else "which site it is for is not clear"
        raise SettingsError(f"{message}; the manifests hold: {known}", hint="give --as NAME")
    spec = desired.sites[chosen].document.spec
    if spec.mode != "enforce":
        typer.echo(f"Site {chosen} observes: nothing starts until it says mode: enforce", err=True)
    return SiteIdentity(chosen, spec.code, chosen)


def read_tick(text: str) -> timedelta:
    """Read `--tick`; raises BadParameter."""
    try:
        step = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--tick") from error
    if not _SHORTEST <= step <= _LONGEST:
        raise typer.BadParameter("a tick is from 1m to 1d", param_hint="--tick")
    return step


def _events(simulation: Simulation, seed: int) -> Iterator[Json]:
    timeline, moment = Timeline(), None
    for moment in simulation.run():
        yield from timeline.events(moment)
    if moment is not None:
        yield {**timeline.summary(moment), "seed": seed}


def _catalog(path: Path | None) -> tuple[Update, ...]:
    if path is None:
        return ()
    entries = load_catalog_at_hand(path).catalog.entries
    return tuple(entries[name].update for name in sorted(entries))


class _Standard:
    """Standard output, which is not ours to close."""

    def __enter__(self) -> TextIO:
        return sys.stdout

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()


def _opened(output: Path | None) -> TextIO | _Standard:
    if output is None:
        return _Standard()
    try:
        return output.open("w", encoding="utf-8")
    except OSError as error:
        raise ReconcilerError(f"{output} cannot be written: {error.strerror}") from error
