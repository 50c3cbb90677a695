"""Every error that may cross a room's border.

ReconcilerError              exit 1
- ManifestError              people must fix files; holds all Problems
- ProposalError              manifests cannot be edited as asked; nothing was written
- SourceError                git unreachable, revision unknown; may work later
- CatalogError               an update source could not be read whole; may work later
- StoreError                 the database
  - LeaseLostError           another controller holds this site: stop acting
- FetchError                 a URL could not be read; its reader makes it its own error
- ForgeError                 a forge refused or did not answer
- ContentError               a file could not be fetched or is not what was promised
- ProtocolError              HTTP 4xx: the other side broke the contract
- SettingsError              the site's own settings must be fixed
- SnapshotError              a file of observed state is damaged, forged or of another release
  - StaleSnapshotError       exit 4: it is older than what asks allows

Expected outcomes are values, never errors; a bug stays an AssertionError.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.problems import Problem


class ReconcilerError(Exception):
    """Root of the tree; its text is one lower-case sentence for a person."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ManifestError(ReconcilerError):
    """The manifests cannot take force; `problems` says all that is wrong, sorted.

    Without an error they ask for what a site does not carry out yet. `where` names what was read.
    """

    def __init__(self, problems: Iterable[Problem], where: str = "the manifests") -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        errors = sum(1 for problem in self.problems if problem.is_error)
        told = f"{errors} error(s) in {where}"
        super().__init__(told if errors else f"{where} ask for what is not carried out yet")


class ProposalError(ReconcilerError):
    """Manifests cannot be edited as asked, or would not be valid afterwards."""


class SourceError(ReconcilerError):
    """The desired state could not be read; whatever was in force stays (S28, S29)."""


class CatalogError(ReconcilerError):
    """An update source could not be read completely; the last catalog stays (S29)."""


class StoreError(ReconcilerError):
    """The database refused or cannot be used."""


class LeaseLostError(StoreError):
    """Another controller has taken the site's lease, so nothing more may be written (S26)."""


class FetchError(ReconcilerError):
    """A URL could not be read whole and in time.

    `may_pass` tells that another try may work, `is_missing` that there is nothing at the URL.
    """

    def __init__(
        self, message: str, *, hint: str = "", may_pass: bool = False, is_missing: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.may_pass = may_pass
        self.is_missing = is_missing


class ForgeError(ReconcilerError):
    """A forge refused what was asked, or did not answer.

    `status` is the HTTP status, 0 where there was none. `retry_after` are the seconds after which
    another try may work; None where it would not.
    """

    def __init__(
        self, message: str, *, hint: str = "", status: int = 0, retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.retry_after = retry_after


class ContentError(ReconcilerError):
    """A file of a package could not be fetched, or its digest differs."""


class ProtocolError(ReconcilerError):
    """A message broke the agent protocol; `status` is the HTTP status that answers it."""

    def __init__(self, message: str, *, status: int = 400, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class SettingsError(ReconcilerError):
    """The site's settings are missing or wrong."""


class SnapshotError(ReconcilerError):
    """A file does not hold the observed state that it should."""


class StaleSnapshotError(SnapshotError):
    """A file's observed state is too old to decide on (S31)."""
