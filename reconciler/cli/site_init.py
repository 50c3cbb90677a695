"""`patchwright site init`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer
from pydantic import ValidationError

from reconciler.app.home import make_home
from reconciler.app.settings import ServerTable, Settings, SourceSettings
from reconciler.cli.output import print_json
from reconciler.model.errors import SettingsError
from reconciler.model.times import parse_duration


@dataclass(frozen=True, slots=True)
class NewSite:
    """What the command line says of a new site."""

    name: str
    code: str
    source: str
    ref: str
    path: str
    interval: str
    host: str
    port: int


def init_site(folder: Path, asked: NewSite, output: str) -> int:
    """Make the site and say what to do next."""
    home = make_home(folder, _settings(asked))
    if output == "json":
        print_json({"site": str(home.folder), "name": asked.name, "code": asked.code})
        return 0
    typer.echo(f"site {asked.name} ({asked.code}) made in {home.folder}")
    typer.echo(f"next: patchwright run --site {home.folder}")
    typer.echo(f"      patchwright token --site {home.folder}   for each machine to enrol")
    return 0


def _settings(asked: NewSite) -> Settings:
    source = Path(asked.source)
    url = str(source.resolve()) if source.is_dir() else asked.source
    try:
        return Settings(
            name=asked.name,
            code=asked.code,
            source=SourceSettings(
                url=url, ref=asked.ref, path=asked.path, interval=parse_duration(asked.interval)
            ),
            server=ServerTable(host=asked.host, port=asked.port),
        )
    except (ValidationError, ValueError) as error:
        text = str(error) if not isinstance(error, ValidationError) else _first(error)
        raise SettingsError(text, hint="see patchwright site init --help") from error


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
