"""JUnit XML: a suite for each file, a failed case for each error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from xml.etree import ElementTree as ET

from reconciler.cli.problem_outputs.verdict import Verdict
from reconciler.model.codes import CODES
from reconciler.model.problems import Problem

# XML 1.0 has no way to write these, not even as references.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(verdict: Verdict) -> str:
    """Give a suite for every path; a file without problems is one case that passed."""
    by_path: dict[str, tuple[Problem, ...]] = dict.fromkeys(verdict.files, ())
    for path, found in groupby(verdict.problems, key=lambda problem: problem.at.path):
        by_path[path] = tuple(found)
    root = ET.Element("testsuites", _counts(verdict.problems, by_path))
    root.set("name", "patchwright validate")
    for path in sorted(by_path):
        root.append(_suite(path, by_path[path]))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _suite(path: str, problems: tuple[Problem, ...]) -> ET.Element:
    suite = ET.Element("testsuite", {"name": _clean(path), **_counts(problems, {path: problems})})
    if not problems:
        ET.SubElement(suite, "testcase", {"name": "valid", "classname": _clean(path)})
    suite.extend(_case(problem) for problem in problems)
    return suite


def _counts(
    problems: Iterable[Problem], by_path: Mapping[str, tuple[Problem, ...]]
) -> dict[str, str]:
    cases = sum(max(len(found), 1) for found in by_path.values())
    failures = sum(1 for problem in problems if problem.is_error)
    return {"tests": str(cases), "failures": str(failures), "errors": "0"}


def _case(problem: Problem) -> ET.Element:
    at = problem.at
    place = f" at {at.line}:{at.column}" if at.line else ""
    name = f"{problem.code} {CODES[problem.code].short_name}{place}"
    case = ET.Element("testcase", {"name": name, "classname": _clean(at.path)})
    if problem.is_error:
        failed = {"type": problem.code, "message": _clean(problem.message)}
        ET.SubElement(case, "failure", failed).text = _clean(str(problem))
    else:
        ET.SubElement(case, "system-out").text = _clean(str(problem))
    return case


def _clean(text: str) -> str:
    return _NOT_XML.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
