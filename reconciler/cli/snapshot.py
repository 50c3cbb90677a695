"""`patchwright snapshot …`: the observed state of a site as one file, signed by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import typer

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home
from reconciler.app.settings import Settings
from reconciler.app.wiring import applied_commit, make_identity, recall_commit
from reconciler.cli.output import print_json
from reconciler.engine.desire import judge
from reconciler.engine.observer import Observer
from reconciler.engine.redaction import Redaction, names_in
from reconciler.engine.snapshots import Snapshot, redacted, save_snapshot
from reconciler.model.errors import SnapshotError, SourceError
from reconciler.model.times import render_instant
from reconciler.server.signing import Signer

_PURPOSE = "patchwright.dev/snapshot/names/v1"


@dataclass(frozen=True, slots=True)
class Export:
    """Where to, and how much is told: all names, or pseudonyms that names can be matched with."""

    path: Path
    names: bool
    matchable: bool
    now: datetime | None


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
    return Snapshot(observed, make_identity(settings), moment, commit, exported_at=moment)


def export_snapshot(site: Path, asked: Export, output: str) -> int:
    """Write the file, and say what it is called and holds."""
    home = Home(site)
    snapshot = take_snapshot(site, asked.now)
    signer = Signer.load_or_make(home.policy_key)
    if not asked.names:
        redaction = Redaction(signer.derive(_PURPOSE), _declared(home, home.settings(), snapshot))
        snapshot = redacted(snapshot, redaction, matchable=asked.matchable)
    target, digest = save_snapshot(snapshot, asked.path, signer.seal_snapshot)
    facts = {
        "file": str(target),
        "sha256": digest,
        "now": render_instant(snapshot.now),
        "commit": snapshot.commit,
        "computers": len(snapshot.observed.fleet.enrolled),
        "updates": len(snapshot.observed.catalog.entries),
        "redacted": snapshot.redacted,
        "bytes": target.stat().st_size,
        "key": signer.public_key,
    }
    if output == "json":
        print_json(facts)
    else:
        what = f"{facts['computers']} computers and {facts['updates']} updates"
        names = "without names" if snapshot.redacted else "with names"
        typer.echo(f"{target}: {what}, {names}, at {facts['now']}, sha256 {digest}")
    return 0


def show_key(site: Path) -> int:
    """Print the public key that snapshots of the site are signed with, to be pinned."""
    home = Home(site)
    name = home.settings().name
    typer.echo(f"{Signer.load_or_make(home.policy_key).public_key}  # site {name}")
    return 0


def tell_who(site: Path, pseudonyms: list[str], output: str) -> int:
    """Print whom pseudonyms of the site's snapshots stand for; an unknown one is an error."""
    home = Home(site)
    snapshot = take_snapshot(site, None)
    redaction = Redaction(Signer.load_or_make(home.policy_key).derive(_PURPOSE))
    names = {
        redaction.name(name): name for _, name in sorted(snapshot.observed.fleet.names.items())
    }
    unknown = [one for one in pseudonyms if one not in names]
    if unknown:
        message = f"no computer of this site has the pseudonym {unknown[0]!r:.80}"
        raise SnapshotError(message, hint="ask the site whose snapshot it was")
    if output == "json":
        print_json({one: names[one] for one in pseudonyms})
    else:
        for one in pseudonyms:
            typer.echo(f"{one}  {names[one]}")
    return 0


def _declared(home: Home, settings: Settings, snapshot: Snapshot) -> frozenset[str]:
    """Give the names that the manifests in force hold: who reads the file reads those too."""
    if not snapshot.commit:
        return frozenset()
    try:
        checkout = recall_commit(home, settings, snapshot.commit)
    except SourceError:
        return frozenset()  # Without the manifests everybody is hidden.
    checkout = replace(checkout, vouching=None)
    desired, _ = judge(checkout, snapshot.site, snapshot.now)
    return names_in(desired) if desired is not None else frozenset()
