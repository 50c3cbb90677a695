"""The program `patchwright`: parse, call, exit; every command's work is a module of its own."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.problem_outputs.form import Form

app = typer.Typer(
    name="patchwright",
    help="GitOps for software updates on fleets of machines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
catalog_app = typer.Typer(
    help="The catalog of known updates.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(catalog_app, name="catalog")


class Output(StrEnum):
    """How a command prints."""

    TEXT = "text"
    JSON = "json"


class RecordForm(StrEnum):
    """What `catalog import` reads."""

    OSV = "osv"
    DIRECTORY = "directory"


OutputOption = Annotated[Output, typer.Option("-o", "--output", help="How to print.")]
SiteArgument = Annotated[
    Path, typer.Option("--site", envvar="PATCHWRIGHT_SITE", help="The site's folder.")
]
NowOption = Annotated[
    str | None, typer.Option("--now", help="Judge as of this instant, as 2026-01-31T06:00:00Z.")
]
DEFAULT_SITE = Path("/var/lib/patchwright")


@app.command()
def init(
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

    Example: patchwright init /var/lib/patchwright --source https://git.example/fleet.git
    """
    from reconciler.cli.init import NewSite, init_site

    asked = NewSite(name, code, source, ref, path, interval, host, port)
    _finish(init_site(folder, asked, output))


@app.command()
def validate(
    paths: Annotated[list[Path], typer.Argument(help="Folders or files of manifests.")],
    strict: Annotated[bool, typer.Option("--strict", help="Make warnings errors.")] = False,
    catalog: Annotated[
        Path | None,
        typer.Option(help="Check updates against this archive, JSON file, folder or site."),
    ] = None,
    now: NowOption = None,
    output: Annotated[Form, typer.Option("-o", "--output", help="How to print.")] = Form.TEXT,
) -> None:
    """Find everything that is wrong in manifests; needs no site.

    Example: patchwright validate manifests/
    """
    from reconciler.cli.validate import validate_paths

    _finish(validate_paths(paths, form=output, strict=strict, now=_parse_now(now), catalog=catalog))


@app.command()
def windows(
    name: Annotated[str, typer.Argument(help="A collection or a computer.")],
    since: Annotated[
        str | None, typer.Option("--from", help="A date or an instant; default: now.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="A date or an instant; default: 31 days later.")
    ] = None,
    manifests: Annotated[
        Path | None, typer.Option(help="Read manifests here; facts are known with --site only.")
    ] = None,
    site: Annotated[
        Path | None, typer.Option(help="Ask this site for its manifests and computers.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Take this zone for local; else each computer's own.")
    ] = None,
    now: NowOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show when computers may be changed, which programs fit, and which deadlines cannot be met.

    Example: patchwright windows emea-servers --manifests manifests/ --timezone Europe/Rome
    """
    from reconciler.cli.windows import Asked, make_span, show_windows

    span = make_span(since, until, _parse_now(now))
    chosen = site or (DEFAULT_SITE if manifests is None else None)
    _finish(show_windows(Asked(name, span, manifests, chosen, timezone), output))


@app.command()
def fmt(
    paths: Annotated[list[Path], typer.Argument(help="Folders or files of manifests.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 2 where something would be.")
    ] = False,
) -> None:
    """Put fields in order and quote ambiguous texts; comments stay. Leaves alone what is unsafe.

    Example: patchwright fmt --check manifests/
    """
    from reconciler.cli.fmt import format_paths

    _finish(format_paths(paths, check=check))


@app.command()
def plan(
    site: SiteArgument = DEFAULT_SITE,
    path: Annotated[
        Path | None, typer.Option("--manifests", help="Plan this folder in place of the commit.")
    ] = None,
    now: NowOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what apply would do; changes nothing. Exit code 2 when there is anything.

    Example: patchwright plan --site /var/lib/patchwright -o json
    """
    from reconciler.cli.plan import show_plan

    _finish(show_plan(site, path, _parse_now(now), output))


@app.command()
def apply(site: SiteArgument = DEFAULT_SITE, output: OutputOption = Output.TEXT) -> None:
    """Read the source, take messages in, and do what the plan says, once.

    Example: patchwright apply --site /var/lib/patchwright
    """
    from reconciler.cli.apply import apply_once

    _finish(apply_once(site, output))


@app.command()
def run(
    site: SiteArgument = DEFAULT_SITE,
    ready_file: Annotated[
        Path | None, typer.Option(help="Write the agents' URL here once they may call.")
    ] = None,
) -> None:
    """Run the site: reconcile for ever and serve agents. SIGHUP reads the source at once.

    Example: patchwright run --site /var/lib/patchwright
    """
    from reconciler.cli.run import run_site

    _finish(run_site(site, ready_file))


@app.command()
def status(site: SiteArgument = DEFAULT_SITE, output: OutputOption = Output.TEXT) -> None:
    """Show how far the fleet is. Exit code 0 only when it has converged.

    Example: patchwright status --site /var/lib/patchwright
    """
    from reconciler.cli.status import show_status

    _finish(show_status(site, output))


@app.command()
def token(site: SiteArgument = DEFAULT_SITE, output: OutputOption = Output.TEXT) -> None:
    """Make a one-time token with which one machine may enrol within a day.

    Example: patchwright token --site /var/lib/patchwright > web-01.token
    """
    from reconciler.cli.enrolment_token import print_token

    _finish(print_token(site, output))


@app.command()
def schemas(
    check: Annotated[bool, typer.Option("--check", help="Fail where a file differs.")] = False,
    folder: Annotated[Path, typer.Option("--folder", help="Where the files lie.")] = Path(
        "schemas"
    ),
) -> None:
    """Write the JSON Schemas of all kinds, or check that they are up to date.

    Example: patchwright schemas --check
    """
    from reconciler.cli.schemas import check_schemas, write_schemas

    _finish(check_schemas(folder) if check else write_schemas(folder))


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the site running at the end.")] = (
        False
    ),
) -> None:
    """Run the main job on throwaway machines: git to compliance, then once more. Needs root.

    Example: patchwright demo
    """
    from reconciler.demo.show import run_demo

    _finish(run_demo(keep=keep))


@app.command(hidden=True)
def serve(
    site: SiteArgument = DEFAULT_SITE,
    ready_file: Annotated[Path | None, typer.Option()] = None,
) -> None:
    """Serve agents only; `run` starts this as a process of its own."""
    from reconciler.cli.serve import serve_site

    _finish(serve_site(site, ready_file))


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

    _finish(sync_sources(site, tuple(names or ()), output))


@catalog_app.command("import")
def catalog_import(
    path: Annotated[Path, typer.Argument(help="An archive, a JSON file or a folder.")],
    form: Annotated[
        RecordForm | None,
        typer.Option("--type", help="osv: OSV records; directory: also our own form (folders)."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Keep it under this name; else that of the file.")
    ] = None,
    site: SiteArgument = DEFAULT_SITE,
    output: OutputOption = Output.TEXT,
) -> None:
    """Bring advisories or updates from a file or folder into the catalog, offline.

    What an earlier import of the same source held and this one does not is withdrawn. A broken
    record is set aside with its reason.

    Example: patchwright catalog import osv-almalinux9.tar.gz
    """
    from reconciler.cli.catalog_import import import_catalog

    chosen = form.value if form is not None else None
    _finish(import_catalog(site, path, chosen, source, output))


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

    _finish(list_updates(site, product, output))


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

    _finish(show_update(site, update, output))


def main() -> None:
    """Run the program; an expected error is one line on stderr and its exit code."""
    from reconciler.model.errors import ReconcilerError

    try:
        app()
    except ReconcilerError as error:
        _report(error)
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read our output has gone, as `| head` does.
        sys.stderr.close()
        sys.exit(1)


def _report(error: Exception) -> None:
    typer.echo(f"error: {error}", err=True)
    hint = getattr(error, "hint", "")
    if hint:
        typer.echo(f"    hint: {hint}", err=True)
    for problem in getattr(error, "problems", ()):
        typer.echo(str(problem), err=True)


def _parse_now(text: str | None) -> datetime | None:
    from reconciler.model.times import parse_instant

    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--now") from error


def _finish(code: int) -> None:
    raise typer.Exit(code)
