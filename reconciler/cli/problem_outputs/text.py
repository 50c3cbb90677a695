"""For a person at a terminal: `path:line:column: severity: message [code]`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import typer

from reconciler.cli.problem_outputs.verdict import Verdict
from reconciler.model.problems import Problem, Severity

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
# What a file's author wrote must not steer the reader's terminal.
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def render_text(verdict: Verdict, *, coloured: bool) -> str:
    """Give a line for each problem, its hint on a second one, and a summary."""
    return "\n".join(_lines(verdict, coloured=coloured)) + "\n"


def printable(text: str) -> str:
    """Write control characters as escapes."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _lines(verdict: Verdict, *, coloured: bool) -> Iterator[str]:
    for problem in verdict.problems:
        yield from render_problem(problem, coloured=coloured)
    errors, warnings = verdict.count(Severity.ERROR), verdict.count(Severity.WARNING)
    tail = "; warnings count as errors (--strict)" if verdict.strict else ""
    documents = _plural(verdict.documents, "document")
    summary = f"{documents}, {_plural(errors, 'error')}, {_plural(warnings, 'warning')}{tail}"
    yield typer.style(summary, bold=True) if coloured else summary


def render_problem(problem: Problem, *, coloured: bool = False) -> Iterator[str]:
    """Give the problem's line, and its hint on a second one."""
    at, severity = printable(str(problem.at)), problem.severity.value
    message, hint = printable(problem.message), printable(problem.hint)
    if coloured:
        at = typer.style(at, bold=True)
        severity = typer.style(severity, fg=_COLOURS[problem.severity], bold=True)
    yield f"{at}: {severity}: {message} [{problem.code}]"
    if hint:
        yield f"    hint: {hint}"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
