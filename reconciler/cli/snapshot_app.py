"""The commands `patchwright snapshot …`: parse, call, exit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.options import (
    DEFAULT_SITE,
    NowOption,
    Output,
    OutputOption,
    SiteArgument,
    finish,
    parse_now,
)

snapshot_app = typer.Typer(
    help="Files with all that a plan looks at beside the manifests.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@snapshot_app.callback()
def _group() -> None:
    """Keep `snapshot export` two words as long as it is the only one."""


@snapshot_app.command("export")
def snapshot_export(
    path: Annotated[Path, typer.Argument(help="A file, or a folder where the digest names it.")],
    site: SiteArgument = DEFAULT_SITE,
    now: NowOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Write what the site knows now, in plain form: names, facts and states of all computers.

    Example: patchwright snapshot export monday.snapshot --site /var/lib/patchwright
    """
    from reconciler.cli.snapshot import export_snapshot

    finish(export_snapshot(site, path, parse_now(now), output))
