"""`patchwright apply`: one pass."""

from __future__ import annotations

from pathlib import Path

import typer

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home
from reconciler.app.wiring import (
    last_in_force,
    make_followed,
    make_reconciler,
    make_workshop,
)
from reconciler.cli.output import print_json
from reconciler.engine.desire import refuses, renew
from reconciler.model.errors import ManifestError, SourceError


def apply_once(site: Path, output: str) -> int:
    """Read the source, sync what is due, and act until the plan is empty."""
    home = Home(site)
    settings = home.settings()
    clock = SystemClock()
    store = home.open_store()
    try:
        with home.control() as owner:
            before = last_in_force(home, settings, store, clock)
            desire = renew(before, make_followed(home, settings, store), clock.now())
            if desire.failure:
                raise SourceError(desire.failure)
            if any(map(refuses, desire.problems)) or desire.in_force is None:
                raise ManifestError(desire.problems)
            reconciler = make_reconciler(settings, store, clock, owner)
            workshop = make_workshop(home, store, clock, lambda: None)
            workshop.follow(desire.in_force)
            reconciler.begin()
            workshop.work_once()
            applied = reconciler.run_pass(desire).applied
            if workshop.work_once():
                applied += reconciler.run_pass(desire).applied
            reconciler.end()
    finally:
        store.close()
    if output == "json":
        print_json({"commit": desire.attempted, "applied": applied})
    else:
        typer.echo(f"{applied} action(s) done for commit {desire.attempted[:12]}")
    return 0
