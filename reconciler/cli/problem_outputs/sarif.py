"""SARIF 2.1.0, as code scanners of forges and editors read it."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import PurePath
from urllib.parse import quote

from reconciler.cli.problem_outputs.verdict import Verdict
from reconciler.model.canonical import Json
from reconciler.model.codes import CODES
from reconciler.model.problems import Location, Problem

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(verdict: Verdict) -> str:
    """Give one run, whose rules are the codes that occur."""
    codes = sorted({problem.code for problem in verdict.problems})
    run: Json = {
        "tool": {
            "driver": {
                "name": "patchwright",
                "semanticVersion": version("patchwright"),
                "rules": [_rule(code) for code in codes],
            }
        },
        "invocations": [{"executionSuccessful": True}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, codes.index(problem.code)) for problem in verdict.problems],
    }
    log: Json = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str) -> Json:
    known = CODES[code]
    return {
        "id": code,
        "name": known.short_name,
        "shortDescription": {"text": known.summary},
    }


def _result(problem: Problem, rule: int) -> Json:
    text = f"{problem.message}\n{problem.hint}" if problem.hint else problem.message
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity.value,
        "message": {"text": text},
        "locations": [{"physicalLocation": _place(problem.at)}],
    }


def _place(at: Location) -> Json:
    path = PurePath(at.path)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    place: dict[str, Json] = {"artifactLocation": {"uri": uri}}
    if at.line:
        place["region"] = {"startLine": at.line, "startColumn": max(at.column, 1)}
    return place
