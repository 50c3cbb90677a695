"""The commands `patchwright propose …`: parse, call, exit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.options import NowOption, Output, OutputOption, finish, parse_now

if TYPE_CHECKING:
    from reconciler.cli.edited import Edit

propose_app = typer.Typer(
    help="Write ready changes of manifests for a person to review.", rich_markup_mode=None
)
ManifestsOption = Annotated[
    Path, typer.Option("--manifests", help="The folder whose manifests are edited.")
]
WriteOption = Annotated[
    bool, typer.Option("--write", help="Write the files; else the difference is printed.")
]


@propose_app.callback(invoke_without_command=True)
def propose(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="How far to look back, as 7d.")] = "7d",
    severity: Annotated[str, typer.Option(help="As in a group's query.")] = ">=important",
    catalog: Annotated[
        Path | None, typer.Option(help="An archive, a JSON file or a folder of updates.")
    ] = None,
    site: Annotated[
        Path | None, typer.Option(help="A site: its catalog, and how many computers lack each.")
    ] = None,
    manifests: ManifestsOption = Path(),
    name: Annotated[str, typer.Option(help="Name of the group; default: of the date.")] = "",
    strategy: Annotated[str, typer.Option(help="RolloutStrategy of the proposed rollout.")] = "",
    write: WriteOption = False,
    now: NowOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Propose what is new and nobody has decided on: a group, an authorization, a rollout.

    Exit code 2 where the difference is only printed.

    Example: patchwright propose --since 7d --severity ">=important" --site /var/lib/patchwright
    """
    if context.invoked_subcommand is not None:
        return
    from reconciler.cli.propose import Asked, propose_updates
    from reconciler.model.times import parse_duration

    if (catalog is None) == (site is None):
        raise typer.BadParameter("give exactly one of --catalog and --site")
    try:
        span = parse_duration(since)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error
    asked = Asked(catalog or site or Path(), span, severity, name, strategy)
    finish(propose_updates(_edit(manifests, now, write=write, output=output), asked))


@propose_app.command("fold")
def fold(
    emergency: Annotated[str, typer.Argument(help="Name of the EmergencyChange.")],
    manifests: ManifestsOption = Path(),
    site: Annotated[
        Path | None, typer.Option(help="Check at this site that the emergency is at its end.")
    ] = None,
    write: WriteOption = False,
    now: NowOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Move an emergency's updates into its foldInto group for good, and remove its manifest.

    Example: patchwright propose fold libwebp --manifests updates/ --write
    """
    from reconciler.cli.propose import propose_fold

    finish(propose_fold(_edit(manifests, now, write=write, output=output), emergency, site))


@propose_app.command("revert")
def revert(
    commit: Annotated[str, typer.Argument(help="The commit whose changes are undone.")],
    manifests: ManifestsOption = Path(),
    write: WriteOption = False,
    now: NowOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Write the manifests as before one commit, with all that came later.

    Example: patchwright propose revert 3f2a9c1 --manifests updates/ --write
    """
    from reconciler.cli.propose import propose_revert

    finish(propose_revert(_edit(manifests, now, write=write, output=output), commit))


def _edit(folder: Path, now: str | None, *, write: bool, output: str) -> Edit:
    from reconciler.cli.edited import Edit

    return Edit(folder, parse_now(now) or datetime.now(UTC), write, output)
