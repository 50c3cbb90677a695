"""For programs: every problem with its place, keys sorted."""

from __future__ import annotations

import json

from reconciler.cli.problem_outputs.verdict import Verdict
from reconciler.model.canonical import Json
from reconciler.model.codes import CODES
from reconciler.model.problems import Problem, Severity


def render_json(verdict: Verdict) -> str:
    """Give one JSON object."""
    found: Json = {
        "valid": verdict.is_valid,
        "strict": verdict.strict,
        "documents": verdict.documents,
        "errors": verdict.count(Severity.ERROR),
        "warnings": verdict.count(Severity.WARNING),
        "problems": [_problem(problem) for problem in verdict.problems],
    }
    return json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _problem(problem: Problem) -> Json:
    return {
        "path": problem.at.path,
        "line": problem.at.line,
        "column": problem.at.column,
        "severity": problem.severity.value,
        "code": problem.code,
        "name": CODES[problem.code].short_name,
        "message": problem.message,
        "hint": problem.hint,
    }
