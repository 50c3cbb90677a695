"""`patchwright plan`: decide without acting."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import typer

from reconciler.app.clock import FixedClock, SystemClock
from reconciler.app.home import Home
from reconciler.app.wiring import applied_commit, make_identity, make_reconciler, make_source
from reconciler.cli.output import print_json, print_lines
from reconciler.engine.desire import judge
from reconciler.model.errors import ManifestError
from reconciler.planning.render import plan_json, plan_text
from reconciler.ports import Checkout
from reconciler.source.folder import read_folder

NOTHING_TO_DO, CHANGES_PENDING = 0, 2


def show_plan(site: Path, manifests: Path | None, now: datetime | None, output: str) -> int:
    """Print the plan for the source's newest commit, or for a folder's manifests."""
    home = Home(site)
    settings = home.settings()
    clock = FixedClock(now) if now is not None else SystemClock()
    store = home.open_store()
    try:
        if manifests is None:
            checkout = make_source(home, settings).fetch(applied_commit(store))
        else:
            checkout = Checkout("working copy", clock.now(), read_folder(manifests))
        desired, problems = judge(checkout, make_identity(settings), clock.now())
        if desired is None:
            raise ManifestError(problems)
        print_lines(str(problem) for problem in problems if output == "text")
        plan = make_reconciler(settings, store, clock, "plan").plan(desired, fresh=True)
    finally:
        store.close()
    if output == "json":
        print_json(plan_json(plan))
    else:
        print_lines(plan_text(plan))
        typer.echo(f"{len(plan.actions)} action(s)")
    return CHANGES_PENDING if plan.actions else NOTHING_TO_DO
