"""`patchwright token`."""

from __future__ import annotations

import getpass
from pathlib import Path

import typer

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home, make_token
from reconciler.cli.output import print_json


def print_token(site: Path, output: str) -> int:
    """Print a new one-time enrolment token; it is shown only now."""
    home = Home(site)
    home.settings()
    store = home.open_store()
    try:
        token = make_token(store, SystemClock(), getpass.getuser())
    finally:
        store.close()
    if output == "json":
        print_json({"token": token})
    else:
        typer.echo(token)
    return 0
