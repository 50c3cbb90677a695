"""Workflow commands, which GitHub Actions turns into notes on the lines of a pull request."""

from __future__ import annotations

from reconciler.cli.problem_outputs.verdict import Verdict
from reconciler.model.codes import CODES
from reconciler.model.problems import Problem, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render_github(verdict: Verdict) -> str:
    """Give one command for each problem."""
    return "".join(_command(problem) + "\n" for problem in verdict.problems)


def _command(problem: Problem) -> str:
    properties = {"file": problem.at.path}
    if problem.at.line:
        properties["line"] = str(problem.at.line)
        properties["col"] = str(max(problem.at.column, 1))
    properties["title"] = f"{problem.code} {CODES[problem.code].short_name}"
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    message = f"{problem.message}\n{problem.hint}" if problem.hint else problem.message
    return f"::{_COMMANDS[problem.severity]} {written}::{_message(message)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
