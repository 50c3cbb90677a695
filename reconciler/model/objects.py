"""Objects that the reconciler derives; nobody writes them by hand.

Packages, programs, advertisements and content assignments follow from the manifests and the
observed state. Ids are given once (S26) and never used again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Optional

from reconciler.model.aims import UNINSTALL, Aim
from reconciler.model.orders import RunOrder

DEB_INDEX = "Packages"
RPM_INDEX = "repodata/repomd.xml"


@dataclass(frozen=True)
class Owner:
    """The manifest that an object follows from, and the commit that last changed it."""

    kind: str
    name: str
    commit: str


@dataclass(frozen=True)
class ContentFile:
    """One file of a package: its name in the package's folder, SHA-256 and size in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class PackageManifest:
    """All files of a package's version; itself stored by its digest, as canonical JSON.

    `DEB_INDEX` indexes the others for apt, `RPM_INDEX` (and what it names) for dnf.
    """

    package: str
    version: int
    files: tuple[ContentFile, ...]


@dataclass(frozen=True)
class Package:
    """Versioned content of one authorization; a version belongs to one release (S20).

    `name` is the authorization's; `content_digest` is of the release's updates and revisions.
    """

    id: str
    version: int
    name: str
    content_digest: str
    rollout: str
    release: int
    priority: str
    owner: Owner


@dataclass(frozen=True)
class Program:
    """One thing to run with a package's version; a disabled one holds every offer of it (I1)."""

    package: str
    version: int
    name: str
    type: str
    max_runtime: timedelta
    owner: Owner
    depends_on: str = ""
    disabled: bool = False


@dataclass(frozen=True)
class Advertisement:
    """An offer of one program to one phase's target (S16).

    `updates` is the authorized list that travels with it; `mandatory_at` is the deadline, or
    nothing where the program is only offered; with `mandatory_local` it is a wall time in each
    computer's own zone, written as UTC (S17). A held one starts nowhere; `released_at` is when it
    was last held no more. Who ran it before `rerun_at` runs it once more (S16). With `superseded`
    updates that another of the list replaces are offered too.
    """

    id: str
    package: str
    version: int
    program: str
    rollout: str
    release: int
    phase: str
    updates: tuple[str, ...]
    available_at: datetime
    mandatory_at: Optional[datetime]
    recurrence: timedelta
    grace: timedelta
    held: bool
    owner: Owner
    superseded: bool = False
    mandatory_local: bool = False
    released_at: Optional[datetime] = None
    rerun_at: Optional[datetime] = None
    order: RunOrder = field(default_factory=RunOrder)

    @property
    def aim(self) -> Aim:
        """What it is to bring about, which its program and `superseded` say."""
        if self.program == UNINSTALL:
            return Aim.REMOVE
        return Aim.INSTALL_SUPERSEDED_TOO if self.superseded else Aim.INSTALL


class ContentState(str, Enum):
    """State of a package's version on a distribution point (F5)."""

    STARTED = "started"  # status message 2342
    DONE = "done"  # status message 2330


@dataclass(frozen=True)
class ContentAssignment:
    """A package's version belongs on a distribution point (F5).

    `manifest` is the SHA-256 of its `PackageManifest` and `size` the bytes of all files, both
    known once it is done; `problem` says why it is not done yet.
    """

    package: str
    version: int
    point: str
    state: ContentState
    owner: Owner
    manifest: str = ""
    size: int = 0
    problem: str = ""
