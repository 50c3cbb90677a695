"""`patchwright plan`: decide without acting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import typer

from reconciler.app.clock import FixedClock, SystemClock
from reconciler.app.home import Home
from reconciler.app.wiring import applied_commit, make_identity, make_reconciler, make_source
from reconciler.cli.output import print_json, print_lines
from reconciler.cli.snapshot_file import SnapshotFile
from reconciler.desired.state import DesiredState
from reconciler.engine.desire import judge
from reconciler.model.errors import ManifestError
from reconciler.model.problems import Problem
from reconciler.planning.plan import Plan, make_plan
from reconciler.planning.render import plan_json, plan_text
from reconciler.planning.world import SiteIdentity
from reconciler.ports import Checkout, Clock
from reconciler.source.folder import read_beside, read_folder

NOTHING_TO_DO, CHANGES_PENDING = 0, 2


def show_plan(
    site: Path,
    manifests: Path | None,
    now: datetime | None,
    output: str,
    snapshot: SnapshotFile | None = None,
) -> int:
    """Print the plan for the source's newest commit, or for a folder's manifests.

    The other side is the site's own state, or a snapshot of one.
    """
    known = snapshot.load_beside(manifests) if snapshot is not None else None
    moment = now or (known.now if known is not None else None)
    clock = FixedClock(moment) if moment is not None else SystemClock()
    if known is None:
        plan, problems = _plan_of_site(site, manifests, clock)
    else:
        checkout = read_checkout(site, manifests, known.commit, clock)
        desired, problems = _judged(checkout, known.site, clock)
        plan = make_plan(desired, known.observed, known.site, clock.now())
    return print_plan(plan, problems, output)


def read_checkout(site: Path, manifests: Path | None, applied: str, clock: Clock) -> Checkout:
    """Give a folder's manifests, or the newest commit of a site's source."""
    if manifests is not None:
        return Checkout(
            "working copy",
            clock.now(),
            read_folder(manifests),
            read=lambda path, limit: read_beside(str(manifests / path), limit),
        )
    home = Home(site)
    return make_source(home, home.settings()).fetch(applied)


def print_plan(plan: Plan, problems: Sequence[Problem], output: str) -> int:
    """Print a plan and what was said of its manifests; the exit code tells whether any action."""
    if output == "json":
        print_json(plan_json(plan))
    else:
        print_lines(str(problem) for problem in problems)
        print_lines(plan_text(plan))
        typer.echo(f"{len(plan.actions)} action(s)")
    return CHANGES_PENDING if plan.actions else NOTHING_TO_DO


def _plan_of_site(
    site: Path, manifests: Path | None, clock: Clock
) -> tuple[Plan, tuple[Problem, ...]]:
    home = Home(site)
    settings = home.settings()
    store = home.open_store()
    try:
        checkout = read_checkout(site, manifests, applied_commit(store), clock)
        desired, problems = _judged(checkout, make_identity(settings), clock)
        plan = make_reconciler(settings, store, clock, "plan").plan(desired, fresh=True)
    finally:
        store.close()
    return plan, problems


def _judged(
    checkout: Checkout, site: SiteIdentity, clock: Clock
) -> tuple[DesiredState, tuple[Problem, ...]]:
    desired, problems = judge(checkout, site, clock.now())
    if desired is None:
        raise ManifestError(problems)
    return desired, problems
