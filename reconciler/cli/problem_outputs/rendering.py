"""A verdict in the form that was asked for."""

from __future__ import annotations

from typing import assert_never

from reconciler.cli.problem_outputs.as_json import render_json
from reconciler.cli.problem_outputs.form import Form
from reconciler.cli.problem_outputs.github import render_github
from reconciler.cli.problem_outputs.junit import render_junit
from reconciler.cli.problem_outputs.sarif import render_sarif
from reconciler.cli.problem_outputs.text import render_text
from reconciler.cli.problem_outputs.verdict import Verdict


def render(verdict: Verdict, form: Form, *, coloured: bool = False) -> str:
    """Give what is printed; only text has colours."""
    match form:
        case Form.TEXT:
            return render_text(verdict, coloured=coloured)
        case Form.JSON:
            return render_json(verdict)
        case Form.SARIF:
            return render_sarif(verdict)
        case Form.JUNIT:
            return render_junit(verdict)
        case Form.GITHUB:
            return render_github(verdict)
        case _:
            assert_never(form)
