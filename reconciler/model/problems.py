"""What is wrong in a manifest, and exactly where."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Severity(str, Enum):
    """Errors refuse a commit; warnings and notes do not (`--strict` makes warnings errors)."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, order=True)
class Location:
    """A place in a file; lines and columns count from 1, and 0 means the whole file."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Give `path:line:column`, so that editors and CI can jump there."""
        if not self.line:
            return self.path
        return (
            f"{self.path}:{self.line}:{self.column}" if self.column else f"{self.path}:{self.line}"
        )


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that a person has to look at; `code` is stable and stands in docs/codes.md."""

    at: Location
    code: str
    message: str
    hint: str = ""
    severity: Severity = field(default=Severity.ERROR, compare=False)

    @property
    def is_error(self) -> bool:
        """Tell whether this alone refuses the manifests."""
        return self.severity is Severity.ERROR

    def __str__(self) -> str:
        """Give one line, and the hint on a second one."""
        tail = f"\n    hint: {self.hint}" if self.hint else ""
        return f"{self.at}: {self.severity.value}: {self.message} [{self.code}]{tail}"
