"""`patchwright report-pr`: what was found, where the pull request is talked about."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import typer

from reconciler.app.forge import OWN_VARIABLE, find_pull_request, find_token, make_client
from reconciler.cli.output import print_json
from reconciler.forges.posting import Posted, Poster, Report, in_fence
from reconciler.forges.pull_request import PullRequest
from reconciler.forges.shapes import shape_of
from reconciler.model.canonical import Json
from reconciler.model.errors import ForgeError

_LARGEST_BODY = 4 << 20
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?", re.ASCII)
_FORBIDDEN = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Asked:
    """What is posted, from where, and how it is shown; `as_text` shows it letter by letter."""

    body: Path
    name: str
    state: str
    description: str
    link: str
    as_text: bool
    token_file: Path | None


def report(asked: Asked, given: PullRequest, output: str) -> int:
    """Post the report and say what came of it; a fork's CI, which may not, is no error."""
    if _NAME.fullmatch(asked.name) is None:
        raise ForgeError(f"{asked.name!r:.60} is no name of a report", hint="write as plan-bari")
    text = _read(asked.body)
    found = find_pull_request(given)
    token = find_token(found, asked.token_file)
    if not token:
        return _without_token(found, output)
    body = in_fence(text) if asked.as_text else text
    made = Report(asked.name, body, asked.state, asked.description or asked.state, asked.link)
    try:
        posted = Poster(make_client(found, token), found).post(made)
    except ForgeError as error:
        if found.from_fork and error.status in _FORBIDDEN:
            return _skip("the pull request comes from a fork, whose token may not write", output)
        raise
    _tell(posted, asked.state, output)
    return 0


def _read(path: Path) -> str:
    try:
        if str(path) == "-":
            content = sys.stdin.buffer.read(_LARGEST_BODY + 1)
        else:
            with path.open("rb") as file:
                content = file.read(_LARGEST_BODY + 1)
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ForgeError(f"{path}: the report cannot be read as UTF-8 text") from error
    if len(content) > _LARGEST_BODY:
        raise ForgeError(f"{path}: the report is larger than 4 MiB", hint="write a shorter one")
    return text.replace("\0", "")


def _without_token(found: PullRequest, output: str) -> int:
    if found.from_fork:
        return _skip("the pull request comes from a fork, which is given no token", output)
    names = f"{OWN_VARIABLE} or {shape_of(found).token_variable}"
    raise ForgeError("there is no token for the forge", hint=f"set {names}, or give --token-file")


def _skip(why: str, output: str) -> int:
    if output == "json":
        print_json({"skipped": why})
    else:
        typer.echo(f"note: nothing is posted: {why}")
    return 0


def _tell(posted: Posted, state: str, output: str) -> None:
    told: Json = {
        "comment": posted.comment,
        "url": posted.url,
        "truncated": posted.truncated,
        "state": state,
    }
    if output == "json":
        print_json(told)
        return
    cut = ", cut to what the forge takes" if posted.truncated else ""
    typer.echo(
        " ".join(filter(None, [f"comment {posted.comment}{cut}; status {state}", posted.url]))
    )
