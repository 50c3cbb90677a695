"""The commands `patchwright catalog …`: parse, call, exit."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.options import DEFAULT_SITE, Output, OutputOption, SiteArgument, finish

catalog_app = typer.Typer(
    help="The catalog of known updates.", no_args_is_help=True, rich_markup_mode=None
)


class RecordForm(StrEnum):
    """What `catalog import` reads."""

    OSV = "osv"
    DIRECTORY = "directory"
    UPDATEINFO = "updateinfo"


@catalog_app.command("sync")
def catalog_sync(
    names: Annotated[list[str] | None, typer.Argument(help="Sources; all when none.")] = None,
    site: SiteArgument = DEFAULT_SITE,
    output: OutputOption = Output.TEXT,
) -> None:
    """Read update sources now.

    Example: patchwright catalog sync debian-security
    """
    from reconciler.cli.catalog import sync_sources

    finish(sync_sources(site, tuple(names or ()), output))


@catalog_app.command("import")
def catalog_import(
    path: Annotated[Path, typer.Argument(help="An archive, a JSON file or a folder.")],
    form: Annotated[
        RecordForm | None,
        typer.Option(
            "--type",
            help="osv: OSV records; directory: also our own form (folders);"
            " updateinfo: an rpm repository (folder).",
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Keep it under this name; else that of the file.")
    ] = None,
    releases: Annotated[
        list[str] | None,
        typer.Option("--release", help="A release that the rpms are for, as almalinux-9."),
    ] = None,
    site: SiteArgument = DEFAULT_SITE,
    output: OutputOption = Output.TEXT,
) -> None:
    """Bring advisories or updates from a file or folder into the catalog, offline.

    What an earlier import of the same source held and this one does not is withdrawn. A broken
    record is set aside with its reason.

    Example: patchwright catalog import osv-almalinux9.tar.gz
    Example: patchwright catalog import --type updateinfo --release almalinux-9 /srv/BaseOS
    """
    from reconciler.cli.catalog_import import Brought, import_catalog

    chosen = form.value if form is not None else None
    brought = Brought(path, chosen, tuple(releases or ()))
    finish(import_catalog(site, brought, source, output))


@catalog_app.command("list")
def catalog_list(
    product: Annotated[str | None, typer.Option(help="Only updates of this product.")] = None,
    site: SiteArgument = DEFAULT_SITE,
    output: OutputOption = Output.TEXT,
) -> None:
    """List known updates.

    Example: patchwright catalog list --product openssl
    """
    from reconciler.cli.catalog import list_updates

    finish(list_updates(site, product, output))


@catalog_app.command("show")
def catalog_show(
    update: Annotated[str, typer.Argument(help="The update's id.")],
    site: SiteArgument = DEFAULT_SITE,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show one update with its packages.

    Example: patchwright catalog show deb:Debian/bookworm-security/openssl/3.0.17-1~deb12u2
    """
    from reconciler.cli.catalog import show_update

    finish(show_update(site, update, output))
