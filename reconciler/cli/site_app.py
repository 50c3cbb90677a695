"""The commands `patchwright site …`: parse, call, exit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.options import Output, OutputOption, finish

site_app = typer.Typer(
    help="The site: what follows a repository and serves agents.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@site_app.callback()
def _group() -> None:
    """Keep `site init` two words as long as it is the only one."""


@site_app.command("init")
def site_init(
    folder: Annotated[Path, typer.Argument(help="Where the site's files will lie.")],
    source: Annotated[str, typer.Option(help="Repository with the manifests: path or URL.")],
    name: Annotated[str, typer.Option(help="Name of the site's manifest.")] = "main",
    code: Annotated[str, typer.Option(help="Three characters that begin the site's ids.")] = "PWR",
    ref: Annotated[str, typer.Option(help="Branch, tag or commit to follow.")] = "main",
    path: Annotated[str, typer.Option(help="Folder of the manifests in the repository.")] = "",
    interval: Annotated[str, typer.Option(help="How often the repository is read.")] = "60s",
    host: Annotated[str, typer.Option(help="Address for agents; not loopback means TLS.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="Port for agents.")] = 8443,
    output: OutputOption = Output.TEXT,
) -> None:
    """Make a site: settings, keys, certificates and database.

    A new site observes: it plans and scans, and installs nothing until its Site manifest says
    `mode: enforce`.

    Example: patchwright site init /var/lib/patchwright --source https://git.example/fleet.git
    """
    from reconciler.cli.site_init import NewSite, init_site

    asked = NewSite(name, code, source, ref, path, interval, host, port)
    finish(init_site(folder, asked, output))
