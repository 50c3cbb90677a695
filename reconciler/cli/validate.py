"""Check manifests offline: everything that is wrong, in one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reconciler.cli.output import print_json, print_lines
from reconciler.desired.link import link
from reconciler.desired.state import DesiredState, Loaded
from reconciler.model.canonical import Json
from reconciler.model.codes import CODES, Code
from reconciler.model.errors import SourceError
from reconciler.model.problems import Location, Problem, Severity
from reconciler.source.folder import read_folder, read_regular_file
from reconciler.source.load import load_manifests

_NOTHING_TO_DO, _ERROR = 0, 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run found; `documents` counts the whole ones."""

    documents: int
    problems: tuple[Problem, ...]

    def count(self, severity: Severity) -> int:
        """Give how many problems have the severity."""
        return sum(1 for problem in self.problems if problem.severity is severity)

    def exit_code(self, *, strict: bool) -> int:
        """Give 1 for errors, and with `strict` for warnings too, else 0 (S31)."""
        refused = self.count(Severity.ERROR) or (strict and self.count(Severity.WARNING))
        return _ERROR if refused else _NOTHING_TO_DO


def validate_paths(
    paths: Sequence[Path],
    *,
    output: str = "text",
    strict: bool = False,
    now: datetime | None = None,
) -> int:
    """Check the documents of all paths as one desired state, print, and give the exit code."""
    verdict = judge_paths(paths, now or datetime.now(UTC))
    if output == "json":
        print_json(_as_json(verdict, strict=strict))
    else:
        print_lines(_as_lines(verdict, strict=strict))
    return verdict.exit_code(strict=strict)


def judge_paths(paths: Sequence[Path], now: datetime) -> Verdict:
    """Load and link what the paths hold; a path that cannot be read is a problem of its own."""
    files: dict[str, bytes] = {}
    unreadable: list[Problem] = []
    for path in paths:
        try:
            files.update(_read(path))
        except SourceError as error:
            at, code = Location(str(path)), Code.UNREADABLE_PATH.value
            unreadable.append(Problem(at, code, str(error), error.hint))
    loaded = load_manifests(files, commit="") if files or not unreadable else Loaded("", (), ())
    state, problems = link(loaded, now)
    notes = _unchecked(state, paths) if state is not None else ()
    return Verdict(len(loaded.documents), tuple(sorted([*unreadable, *problems, *notes])))


def _read(path: Path) -> Mapping[str, bytes]:
    if path.is_dir():
        return {str(path / name): content for name, content in read_folder(path).items()}
    try:
        return {str(path): read_regular_file(path.resolve())}
    except OSError as error:
        message = f"it cannot be read: {error.strerror or type(error).__name__}"
        raise SourceError(message, hint="check that it exists and may be read") from error


def _unchecked(state: DesiredState, paths: Sequence[Path]) -> tuple[Problem, ...]:
    """Say once what only a catalog and a snapshot of the fleet could tell."""
    updates = any(
        placed.document.spec.updates or placed.document.spec.query
        for placed in state.update_groups.values()
    )
    computers = any(
        placed.document.spec.computers or placed.document.spec.query
        for placed in state.collections.values()
    )
    parts = [
        *(["updates against a catalog"] if updates else []),
        *(["computers and facts against a snapshot"] if computers else []),
    ]
    if not parts or not paths:
        return ()
    message = f"not checked here: {' and '.join(parts)}"
    note = Location(str(paths[0]))
    return (Problem(note, Code.NOT_CHECKED.value, message, severity=Severity.NOTE),)


def _as_lines(verdict: Verdict, *, strict: bool) -> Iterator[str]:
    yield from (str(problem) for problem in verdict.problems)
    errors, warnings = verdict.count(Severity.ERROR), verdict.count(Severity.WARNING)
    tail = "; warnings are errors (--strict)" if strict and warnings else ""
    documents = _plural(verdict.documents, "document")
    yield f"{documents}, {_plural(errors, 'error')}, {_plural(warnings, 'warning')}{tail}"


def _as_json(verdict: Verdict, *, strict: bool) -> Json:
    return {
        "valid": verdict.exit_code(strict=strict) == _NOTHING_TO_DO,
        "documents": verdict.documents,
        "errors": verdict.count(Severity.ERROR),
        "warnings": verdict.count(Severity.WARNING),
        "problems": [_problem_as_json(problem) for problem in verdict.problems],
    }


def _problem_as_json(problem: Problem) -> Json:
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


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
