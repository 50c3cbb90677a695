"""`patchwright revoke` and `patchwright retire`: end what a computer may do."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

import typer

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home
from reconciler.cli.output import print_json
from reconciler.model.computers import Computer
from reconciler.model.errors import StoreError
from reconciler.store import Work
from reconciler.store.audit import AuditEntry


def revoke_credential(site: Path, name: str, output: str) -> int:
    """Make a computer's credential void; its record and its history stay."""
    return _end(site, name, output, "revoked", lambda work, one: work.credentials.revoke(one.id))


def retire_computer(site: Path, name: str, output: str) -> int:
    """Take a computer out of the fleet: collections, gates and permits know it no more (L4)."""
    at = SystemClock().now()

    def retire(work: Work, computer: Computer) -> None:
        work.permits.release(computer.id)
        work.computers.retire(computer.id, at)

    return _end(site, name, output, "retired", retire)


def _end(
    site: Path, name: str, output: str, word: str, end: Callable[[Work, Computer], object]
) -> int:
    home = Home(site)
    home.settings()
    store = home.open_store()
    try:
        with store.write() as work:
            computer = work.computers.named(name.lower())
            if computer is None:
                raise StoreError(f"no enrolled computer is named {name!r}", hint="check the name")
            end(work, computer)
            now = SystemClock().now()
            work.audit.add(AuditEntry(now, getpass.getuser(), word, computer.name))
    finally:
        store.close()
    if output == "json":
        print_json({"computer": computer.name, word: True})
    else:
        typer.echo(f"{computer.name} {word}")
    return 0
