"""`patchwright snapshot export`: the observed state of a site as one file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import typer

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home
from reconciler.app.wiring import applied_commit, make_identity
from reconciler.cli.output import print_json
from reconciler.engine.observer import Observer
from reconciler.engine.snapshots import Snapshot, save_snapshot
from reconciler.model.times import render_instant


def take_snapshot(site: Path, now: datetime | None) -> Snapshot:
    """Read what a site knows now."""
    home = Home(site)
    settings = home.settings()
    store = home.open_store()
    try:
        observed = Observer(store).observe(fresh=True)
        commit = applied_commit(store)
    finally:
        store.close()
    moment = now or SystemClock().now()
    return Snapshot(observed, make_identity(settings), moment, commit)


def export_snapshot(site: Path, path: Path, now: datetime | None, output: str) -> int:
    """Write the file, and say what it is called and holds."""
    snapshot = take_snapshot(site, now)
    target, digest = save_snapshot(snapshot, path)
    facts = {
        "file": str(target),
        "sha256": digest,
        "now": render_instant(snapshot.now),
        "commit": snapshot.commit,
        "computers": len(snapshot.observed.fleet.enrolled),
        "updates": len(snapshot.observed.catalog.entries),
    }
    if output == "json":
        print_json(facts)
    else:
        what = f"{facts['computers']} computers and {facts['updates']} updates"
        typer.echo(f"{target}: {what}, at {facts['now']}, sha256 {digest}")
    return 0
