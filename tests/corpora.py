"""Manifests as data: each invalid file begins with the problems that it must have."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from reconciler.desired.link import link
from reconciler.desired.state import DesiredState
from reconciler.model.problems import Problem
from reconciler.source.load import load_manifests

NOW = datetime(2025, 10, 1, tzinfo=UTC)
INVALID = Path(__file__).parent / "corpus" / "invalid"
VALID = Path(__file__).parent / "corpus" / "valid"
PATH = "manifest.yaml"


def invalid_files() -> list[Path]:
    return sorted(INVALID.glob("*.yaml"))


def valid_files() -> list[Path]:
    return sorted(VALID.glob("*.yaml"))


def expected_in(text: str) -> list[str]:
    """Give `PW1031:6:3 error: message` of each line of the header."""
    lines = text.splitlines()
    return [line.removeprefix("# ") for line in lines if line.startswith("# PW")]


def judged(
    text: str | bytes, tables: Mapping[str, bytes] = MappingProxyType({})
) -> tuple[DesiredState | None, tuple[Problem, ...]]:
    content = text.encode() if isinstance(text, str) else text
    return link(load_manifests({PATH: content, **tables}, commit="c0ffee"), NOW)


def judged_file(path: Path) -> tuple[DesiredState | None, tuple[Problem, ...]]:
    """Judge a file of the corpus with the table of the same name, if there is one."""
    table = path.with_suffix(".csv")
    tables = {table.name: table.read_bytes()} if table.exists() else {}
    return judged(path.read_bytes(), tables)


def told(problem: Problem) -> str:
    place = f"{problem.at.line}:{problem.at.column}"
    return f"{problem.code}:{place} {problem.severity.value}: {problem.message}"


def document(kind: str, name: str, spec: str) -> str:
    """Write a document whose spec is one line of flow YAML."""
    return (
        f"apiVersion: patchwright.dev/v1alpha1\nkind: {kind}\n"
        f"metadata: {{name: {name}}}\nspec: {spec}\n"
    )
