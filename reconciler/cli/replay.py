"""`patchwright replay`: make a past plan again, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.app.home import Home
from reconciler.app.wiring import recall_commit
from reconciler.cli.plan import print_plan
from reconciler.engine.desire import judge
from reconciler.engine.snapshots import load_snapshot
from reconciler.model.errors import ManifestError
from reconciler.planning.plan import make_plan


@dataclass(frozen=True, slots=True)
class Past:
    """Which plan: its commit, what the site knew, and when; without an instant the snapshot's."""

    commit: str
    snapshot: Path
    at: datetime | None


def replay_plan(site: Path, past: Past, output: str) -> int:
    """Print the plan as `patchwright plan` did; the site gives only its repository."""
    snapshot = load_snapshot(past.snapshot)
    home = Home(site)
    checkout = recall_commit(home, home.settings(), past.commit, snapshot.commit)
    now = past.at or snapshot.now
    desired, problems = judge(checkout, snapshot.site, now)
    if desired is None:
        raise ManifestError(problems)
    plan = make_plan(desired, snapshot.observed, snapshot.site, now)
    return print_plan(plan, problems, output)
