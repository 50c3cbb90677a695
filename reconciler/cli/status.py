"""`patchwright status`: how far the fleet is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from reconciler.app.home import Home
from reconciler.cli.output import print_json, print_lines
from reconciler.engine.conditions import OF_SITE
from reconciler.engine.status import STATUS
from reconciler.model.canonical import Json
from reconciler.model.times import parse_instant, render_duration
from reconciler.observed.memory import Memory

CONVERGED, ERROR, PENDING, STALE = 0, 1, 2, 4
_COLUMNS = (
    "rollout",
    "release",
    "phase",
    "state",
    "target",
    "compliant",
    "missing",
    "unknown",
    "failed",
)


def read_status(site: Path) -> Json:
    """Give the status of the newest pass with what releases hold, or None before the first."""
    home = Home(site)
    home.settings()
    store = home.open_store()
    try:
        with store.read() as view:
            status = view.documents.load(STATUS)
            memory = view.records.load_memory()
    finally:
        store.close()
    return None if status is None else {**status, "releases": _releases(memory)}


def _releases(memory: Memory) -> Json:
    """Give the updates of every release that is not retired."""
    live = (memory.releases[key] for key in sorted(memory.releases))
    return [
        {"rollout": one.rollout, "release": one.number, "updates": list(one.ids)}
        for one in live
        if not one.retired
    ]


def show_status(site: Path, output: str) -> int:
    """Print the status; the exit code tells converged, pending, in error, or no evidence."""
    status = read_status(site)
    if output == "json":
        print_json(status)
    elif status is None:
        typer.echo("no pass has been made yet; is `patchwright run` running?")
    else:
        Console().print(status_table(status))
        print_lines(_lines(status))
    return exit_code(status)


def exit_code(status: Json) -> int:
    """Judge a status by S31."""
    if status is None:
        return STALE
    if status["stalled"] or status["revision"]["problems"] or status["revision"]["failure"]:
        return ERROR
    return CONVERGED if status["converged"] and not status["pendingActions"] else PENDING


def status_table(status: Json) -> Table:
    """Give the phases as a table."""
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(_COLUMNS):
        table.add_column(column, justify="left" if number in {0, 2, 3} else "right")
    for count in status["phases"]:
        table.add_row(*(str(count[column]) for column in _COLUMNS))
    return table


def _lines(status: Json) -> Iterator[str]:
    revision, catalog = status["revision"], status["catalog"]
    yield (
        f"{status['computers']} computers, catalog version {catalog['version']}"
        f" with {catalog['updates']} updates, commit {revision['applied'][:12]}"
    )
    if revision["attempted"] not in {"", revision["applied"]}:
        yield f"commit {revision['attempted'][:12]} is refused:"
    yield from revision["problems"]
    if revision["failure"]:
        yield f"source: {revision['failure']}"
    if status["stalled"]:
        yield f"stalled, what stands here may be old: {status['stalled']}"
    if status["pendingActions"]:
        yield f"{status['pendingActions']} action(s) withheld: the site observes"
    for condition in status["conditions"]:
        if condition["type"] in OF_SITE:
            continue
        yield f"{condition['type']}: {condition['subject']}: {condition['message']}"
    yield from _drills(status.get("drills", []))
    yield "converged" if status["converged"] else "not converged"


def _drills(runs: list[Json]) -> Iterator[str]:
    """Tell of the newest run of each drill when it entered which state, from its beginning."""
    newest = {run["rollout"]: run for run in runs}
    for run in newest.values():
        began_at = parse_instant(run["steps"][0]["at"])
        times = ", ".join(
            f"{step['state']} after {render_duration(parse_instant(step['at']) - began_at)}"
            for step in run["steps"][1:]
        )
        yield f"{run['rollout']} run {run['run']}: {times or run['steps'][0]['state']}"
