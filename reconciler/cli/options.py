"""Options that many commands take, and how every command ends."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer


class Output(StrEnum):
    """How a command prints."""

    TEXT = "text"
    JSON = "json"


class PlanForm(StrEnum):
    """How a plan is printed; the last two are for a change.

    Markdown is the comment on its pull request; the trailer is for the message of its commit.
    """

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    TRAILER = "trailer"


class SchemasAction(StrEnum):
    """What `patchwright schemas` does."""

    WRITE = "write"
    CHECK = "check"


class ReportState(StrEnum):
    """What `patchwright report-pr` says of the commit."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"
    ERROR = "error"


OutputOption = Annotated[Output, typer.Option("-o", "--output", help="How to print.")]
SiteArgument = Annotated[
    Path, typer.Option("--site", envvar="PATCHWRIGHT_SITE", help="The site's folder.")
]
LimitOption = Annotated[
    int, typer.Option("--limit", min=1, max=10_000, help="How many lines at most.")
]
NowOption = Annotated[
    str | None, typer.Option("--now", help="Judge as of this instant, as 2026-01-31T06:00:00Z.")
]
SnapshotOption = Annotated[
    Path | None, typer.Option("--snapshot", help="Take the observed state from this file.")
]
SnapshotKeyOption = Annotated[
    Path | None,
    typer.Option("--snapshot-key", help="The site's public key; refuse what it did not sign."),
]
MaxAgeOption = Annotated[
    str | None,
    typer.Option("--max-age", help="Refuse an older snapshot, as 1d; exit code 4."),
]
DEFAULT_SITE = Path("/var/lib/patchwright")


def parse_now(text: str | None, option: str = "--now") -> datetime | None:
    from reconciler.model.times import parse_instant

    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def finish(code: int) -> NoReturn:
    raise typer.Exit(code)
