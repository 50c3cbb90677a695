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


@snapshot_app.command("export")
def snapshot_export(
    path: Annotated[Path, typer.Argument(help="A file, or a folder where the digest names it.")],
    site: SiteArgument = DEFAULT_SITE,
    names: Annotated[
        bool, typer.Option("--names", help="Keep all names, ids and facts; for your eyes only.")
    ] = False,
    matchable: Annotated[
        bool,
        typer.Option("--matchable", help="Let who knows a computer's name find it in the file."),
    ] = False,
    now: NowOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Write what the site knows now, signed by it; names are pseudonyms unless --names.

    Example: patchwright snapshot export site.snapshot --site /var/lib/patchwright
    """
    from reconciler.cli.snapshot import Export, export_snapshot

    asked = Export(path, names, matchable, parse_now(now))
    finish(export_snapshot(site, asked, output))


@snapshot_app.command("key")
def snapshot_key(site: SiteArgument = DEFAULT_SITE) -> None:
    """Print the site's public key, for .patchwright/site.pub beside the manifests.

    Example: patchwright snapshot key > .patchwright/site.pub
    """
    from reconciler.cli.snapshot import show_key

    finish(show_key(site))


@snapshot_app.command("who")
def snapshot_who(
    pseudonyms: Annotated[list[str], typer.Argument(help="Such as h-0123456789abcdef.")],
    site: SiteArgument = DEFAULT_SITE,
    output: OutputOption = Output.TEXT,
) -> None:
    """Print which computers the pseudonyms of a snapshot stand for; only their site can tell.

    Example: patchwright snapshot who h-0123456789abcdef
    """
    from reconciler.cli.snapshot import tell_who

    finish(tell_who(site, pseudonyms, output))
