"""All problems of a run, within bounds: what is over them is counted, never dropped in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.model.codes import Code
from reconciler.model.problems import Location, Problem, Severity

MOST_PER_FILE = 1_000
MOST_IN_ALL = 10_000
Untold = Mapping["tuple[str, Severity]", int]
"""How many problems of a file and a severity were counted only; no path means all files."""


@dataclass
class Gathered:
    """Keeps the first problems of each file and severity, each problem once.

    Severities have bounds of their own, so that no number of warnings hides an error.
    """

    _kept: dict[Problem, None] = field(default_factory=dict)
    _counts: Counter[tuple[str, Severity]] = field(default_factory=Counter)
    _untold: Counter[tuple[str, Severity]] = field(default_factory=Counter)

    def room(self, path: str, severity: Severity = Severity.ERROR) -> int:
        """Give how many more problems of a file will be kept."""
        in_file = MOST_PER_FILE - self._counts[path, severity]
        return max(min(in_file, MOST_IN_ALL - self._counts["", severity]), 0)

    def extend(self, problems: Iterable[Problem], untold: Untold | None = None) -> None:
        """Take problems in, and how many there were beside them."""
        for problem in problems:
            self._add(problem)
        self._untold.update(untold or {})

    def _add(self, problem: Problem) -> None:
        if problem in self._kept:
            return
        path, severity = problem.at.path, problem.severity
        if not self.room(path, severity):
            whole = self._counts[path, severity] >= MOST_PER_FILE
            self._untold[path if whole else "", severity] += 1
            return
        self._kept[problem] = None
        self._counts["", severity] += 1
        if path:
            self._counts[path, severity] += 1

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems that were kept, sorted."""
        return tuple(sorted(self._kept))

    @property
    def untold(self) -> Untold:
        """What was counted only."""
        return dict(self._untold)

    def told(self) -> tuple[Problem, ...]:
        """Give the problems, and a note for each number of them that was counted only."""
        notes = (_note(*key, count) for key, count in self._untold.items() if count)
        return tuple(sorted([*self._kept, *notes]))


def _note(path: str, severity: Severity, count: int) -> Problem:
    what = severity.value if count == 1 else f"{severity.value}s"
    where = "in this file" if path else "in all files together"
    limit = MOST_PER_FILE if path else MOST_IN_ALL
    return Problem(
        Location(path),
        Code.MORE_PROBLEMS.value,
        f"and {count:,} more {what} {where}: no more than {limit:,} are told",
        "mend these first, and look again",
        Severity.NOTE,
    )
