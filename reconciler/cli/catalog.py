"""`patchwright catalog`: read update sources now, and look at what they brought."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home
from reconciler.app.wiring import make_depot, make_identity, make_source, make_source_reader
from reconciler.cli.output import print_json
from reconciler.engine.catalog_sync import Synced, sync_source
from reconciler.engine.desire import judge
from reconciler.model.canonical import Json
from reconciler.model.codec import encode
from reconciler.model.errors import CatalogError, ManifestError, ReconcilerError
from reconciler.model.times import render_instant
from reconciler.model.updates import CatalogEntry
from reconciler.store import Store


def sync_sources(site: Path, names: tuple[str, ...], output: str) -> int:
    """Read the named sources of the newest commit, or all; exit 1 where one cannot be read."""
    home = Home(site)
    settings = home.settings()
    clock = SystemClock()
    desired, problems = judge(
        make_source(home, settings).fetch(), make_identity(settings), clock.now()
    )
    if desired is None:
        raise ManifestError(problems)
    unknown = sorted(set(names) - set(desired.catalog_sources))
    if unknown:
        known = ", ".join(desired.catalog_sources) or "none"
        raise CatalogError(f"no manifest defines source {unknown[0]!r}", hint=f"known: {known}")
    make_reader = make_source_reader(home, clock)
    outcomes: dict[str, Json] = {}
    with _open(home) as store:
        for name in names or tuple(desired.catalog_sources):
            spec = desired.catalog_sources[name].document.spec
            synced = sync_source(store, make_depot(home), name, make_reader(name, spec), clock)
            outcomes[name] = _outcome(synced) if synced is not None else None
        with store.read() as view:
            problems_of = {name: one.problem for name, one in view.catalog.sources().items()}
    if output == "json":
        print_json(outcomes)
    for name, outcome in outcomes.items() if output == "text" else ():
        typer.echo(f"{name}: {_outcome_text(outcome, problems_of.get(name, ''))}")
    return 0 if all(outcomes.values()) else 1


def list_updates(site: Path, product: str | None, output: str) -> int:
    """Print the catalog in order of ids."""
    with _open(Home(site)) as store, store.read() as view:
        entries = view.catalog.entries()
    chosen = [
        one for one in entries.values() if product is None or product in one.update.all_products
    ]
    if output == "json":
        print_json([_summary(entry) | {"links": list(entry.update.links)} for entry in chosen])
    for entry in chosen if output == "text" else ():
        state = " (withdrawn)" if entry.withdrawn else ""
        typer.echo(_line(entry) + state)
    return 0


def show_update(site: Path, identity: str, output: str) -> int:
    """Print one update whole."""
    with _open(Home(site)) as store, store.read() as view:
        entry = view.catalog.entries().get(identity)
    if entry is None:
        hint = "patchwright catalog list shows what there is"
        raise ReconcilerError(f"the catalog has no update {identity!r}", hint=hint)
    if output == "json":
        print_json(encode(entry))
        return 0
    for key, value in _summary(entry).items():
        typer.echo(f"{key:<15} {value}")
    for link in entry.update.links:
        typer.echo(f"{'link':<15} {link}")
    for file in entry.update.packages:
        typer.echo(f"{'package':<15} {file.name} {file.version} {file.architecture} {file.size}")
    for fix in entry.update.fixes:
        typer.echo(f"{'fixed':<15} {fix.ecosystem} {fix.name} {fix.version}")
    if not entry.update.has_files:
        typer.echo(f"{'note':<15} an advisory: no files are known of it, so it is never offered")
    return 0


@contextmanager
def _open(home: Home) -> Iterator[Store]:
    home.settings()
    store = home.open_store()
    try:
        yield store
    finally:
        store.close()


def _outcome(synced: Synced) -> Json:
    aside = [encode(one) for one in synced.listing.set_aside]
    return {**encode(synced.change), "setAside": aside}


def _line(entry: CatalogEntry) -> str:
    """Give an update in one line: id, class, severity, day, vulnerabilities, first link."""
    update = entry.update
    parts = [update.id, update.classification, update.severity.name.lower()]
    if update.released_at is not None:
        parts.append(f"{update.released_at:%Y-%m-%d}")
    if update.cves:
        more = f" and {len(update.cves) - 1} more" if update.cves[1:] else ""
        parts.append(update.cves[0] + more)
    parts += update.links[:1]
    return "  ".join(parts)


def _outcome_text(outcome: object, problem: str) -> str:
    if not isinstance(outcome, dict):
        return f"not read: {problem}"
    changed = ("added", "revised", "withdrawn", "restored")
    aside = f", {len(outcome['setAside'])} set aside" if outcome["setAside"] else ""
    parts = [f"{len(outcome[name])} {name}" for name in changed if outcome[name]]
    return f"content version {outcome['version']}, {', '.join(parts) or 'nothing new'}{aside}"


def _summary(entry: CatalogEntry) -> dict[str, object]:
    update = entry.update
    return {
        "id": update.id,
        "title": update.title,
        "source": update.source,
        "product": update.product,
        "products": ", ".join(update.products),
        "version": update.version,
        "release": ", ".join(update.release),
        "classification": update.classification,
        "severity": update.severity.name.lower(),
        "released": render_instant(update.released_at) if update.released_at else "",
        "modified": render_instant(update.modified_at) if update.modified_at else "",
        "cves": ", ".join(update.cves),
        "revision": entry.revision,
        "since": entry.since,
        "withdrawn": entry.withdrawn,
        "supersedes": ", ".join(update.supersedes),
    }
