"""`patchwright release-permit`."""

from __future__ import annotations

import getpass
from pathlib import Path

import typer

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home
from reconciler.cli.output import print_json
from reconciler.model.errors import StoreError
from reconciler.store.audit import AuditEntry


def release_permits(site: Path, name: str, output: str) -> int:
    """Take back the permits of one computer, which then counts no more as disrupted (S19)."""
    home = Home(site)
    home.settings()
    store = home.open_store()
    try:
        with store.write() as work:
            computer = work.computers.named(name.lower())
            if computer is None:
                raise StoreError(
                    f"no enrolled computer is named {name!r}",
                    hint="BudgetExhausted in `patchwright status` names who holds permits",
                )
            released = work.permits.release(computer.id)
            by = getpass.getuser()
            entry = AuditEntry(SystemClock().now(), by, "release-permit", f"{released} of {name}")
            work.audit.add(entry)
    finally:
        store.close()
    if output == "json":
        print_json({"computer": name, "released": released})
    else:
        typer.echo(f"{released} permit(s) of {name} released")
    return 0
