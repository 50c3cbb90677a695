"""What a run of `validate` found, before it is printed in any form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.model.problems import Problem, Severity


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run found; `documents` counts the whole ones, `files` are all that were read."""

    documents: int
    files: tuple[str, ...]
    problems: tuple[Problem, ...]
    strict: bool = False

    @property
    def is_valid(self) -> bool:
        """Tell whether nothing refuses the manifests."""
        return not self.count(Severity.ERROR)

    def count(self, severity: Severity) -> int:
        """Give how many problems have the severity."""
        return sum(1 for problem in self.problems if problem.severity is severity)


def make_verdict(
    documents: int, files: Iterable[str], problems: Iterable[Problem], *, strict: bool
) -> Verdict:
    """Put problems in order; `strict` makes warnings errors, in every form alike (S31)."""
    levelled = (_strictly(problem) if strict else problem for problem in problems)
    return Verdict(documents, tuple(sorted(files)), tuple(sorted(levelled)), strict)


def _strictly(problem: Problem) -> Problem:
    if problem.severity is Severity.WARNING:
        return replace(problem, severity=Severity.ERROR)
    return problem
