"""`patchwright events` and `patchwright audit`: what changed by itself, and by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from reconciler.app.home import Home
from reconciler.cli.output import print_json, print_lines
from reconciler.model.codec import encode
from reconciler.model.times import render_instant
from reconciler.store import View
from reconciler.store.audit import AuditEntry
from reconciler.store.events import Event

T = TypeVar("T")


def show_events(site: Path, limit: int, output: str) -> int:
    """Print the newest changes of conditions, newest first (S30)."""
    return _show(site, lambda view: view.events.newest(limit), _event_line, output)


def show_audit(site: Path, limit: int, output: str) -> int:
    """Print the newest acts of people at the site, newest first."""
    return _show(site, lambda view: view.audit.newest(limit), _audit_line, output)


def _show(
    site: Path, read: Callable[[View], Sequence[T]], line: Callable[[T], str], output: str
) -> int:
    home = Home(site)
    home.settings()
    store = home.open_store()
    try:
        with store.read() as view:
            found = read(view)
    finally:
        store.close()
    if output == "json":
        print_json([encode(one) for one in found])
    else:
        print_lines([line(one) for one in found] or ["nothing yet"])
    return 0


def _event_line(event: Event) -> str:
    words = f"{render_instant(event.at)} {event.type}={event.status} {event.subject}"
    return f"{words} {event.reason}: {event.message}".rstrip(": ")


def _audit_line(entry: AuditEntry) -> str:
    return f"{render_instant(entry.at)} {entry.by}: {entry.what} {entry.detail}"
