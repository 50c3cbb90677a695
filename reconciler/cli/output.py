"""Printing that every command does alike."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable

import typer

from reconciler.model.canonical import Json


def print_json(value: Json) -> None:
    """Print a JSON value for machines, keys sorted."""
    typer.echo(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def print_lines(lines: Iterable[str]) -> None:
    """Print lines for a person."""
    for line in lines:
        typer.echo(line)


def wants_colours() -> bool:
    """Tell whether a terminal reads what is printed, and nobody set NO_COLOR (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
