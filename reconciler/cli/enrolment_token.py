"""`patchwright token`."""

from __future__ import annotations

import getpass
from datetime import timedelta
from pathlib import Path

import typer

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home, make_token
from reconciler.cli.output import print_json
from reconciler.model.errors import SettingsError
from reconciler.model.times import parse_duration

MOST_USES = 100_000
LONGEST_LIFETIME = timedelta(days=366)


def print_token(
    site: Path, output: str, uses: int = 1, valid: str = "1d", collection: str = ""
) -> int:
    """Print a new enrolment token; it is shown only now. `valid` is a duration (S2)."""
    lifetime = _read_lifetime(valid)
    if not 1 <= uses <= MOST_USES:
        raise SettingsError(f"--uses {uses} is not between 1 and {MOST_USES:,}")
    home = Home(site)
    home.settings()
    store = home.open_store()
    try:
        token = make_token(
            store,
            SystemClock(),
            getpass.getuser(),
            uses=uses,
            lifetime=lifetime,
            collection=collection,
        )
    finally:
        store.close()
    if output == "json":
        print_json({"token": token})
    else:
        typer.echo(token)
    return 0


def _read_lifetime(text: str) -> timedelta:
    try:
        lifetime = parse_duration(text)
    except ValueError as error:
        raise SettingsError(f"--valid: {error}", hint="write it as 8h or 7d") from error
    if not timedelta(0) < lifetime <= LONGEST_LIFETIME:
        raise SettingsError(f"--valid {text} is more than {LONGEST_LIFETIME.days} days, or nothing")
    return lifetime
