"""Software updates as the catalog knows them, and what a scan says of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum
from typing import Optional

from reconciler.model.custom import CustomSteps

NO_RELEASE = ""
"""Names the catalog slice without updates, for who looks for updates of one's own alone."""


class UpdateSeverity(IntEnum):
    """Severity order of S9: equal words of different vendors have equal rank."""

    UNSET = 0
    LOW = 1
    MODERATE = 2
    IMPORTANT = 3
    CRITICAL = 4


SEVERITY_WORDS = {
    "none": UpdateSeverity.UNSET,
    "negligible": UpdateSeverity.UNSET,
    "unset": UpdateSeverity.UNSET,
    "low": UpdateSeverity.LOW,
    "moderate": UpdateSeverity.MODERATE,
    "medium": UpdateSeverity.MODERATE,
    "important": UpdateSeverity.IMPORTANT,
    "high": UpdateSeverity.IMPORTANT,
    "critical": UpdateSeverity.CRITICAL,
}


EVERYWHERE = frozenset({"all", "noarch"})
"""The architectures of packages that fit every computer: Debian's word, and rpm's."""


class UpdateState(str, Enum):
    """What a scan says of one update on one computer; nothing said means not applicable (S10)."""

    INSTALLED = "installed"
    MISSING = "missing"
    NOT_APPLICABLE = "notApplicable"
    UNKNOWN = "unknown"
    PENDING_RESTART = "pendingRestart"


@dataclass(frozen=True)
class PackageFile:
    """One binary package of an update: what is installed, and the file that holds it.

    `depends` is the control file's text of Pre-Depends and Depends, joined by a comma; of an rpm
    it is one requirement a line, and `provides` likewise what it offers, files included (name,
    operator and version with tabs between). `control` is the whole index paragraph (of an rpm its
    `package` element), so that captured content can be indexed again. `module` is the
    `name:stream` that an rpm belongs to, if any.
    """

    name: str
    version: str
    architecture: str
    path: str
    size: int
    sha256: str
    depends: str = ""
    control: str = ""
    provides: str = ""
    module: str = ""

    @property
    def is_rpm(self) -> bool:
        """Tell an rpm from a .deb."""
        return self.path.endswith(".rpm")


@dataclass(frozen=True)
class PackageFix:
    """What an advisory says of one package: fixed from `version` on in that ecosystem.

    `ecosystem` is as its publisher writes it (`AlmaLinux:9`).
    """

    ecosystem: str
    name: str
    version: str


@dataclass(frozen=True)
class Update:
    """One fix. `id` of an apt update is `deb:<origin>/<suite>/<source>/<version>` (S10).

    `release` names the operating-system releases it is for (`debian-12`); `location` is the base
    URL below which its files' paths lie; `supersedes` holds ids of older updates. An advisory
    has `fixes` and no `packages`: which versions mend it is known, and not which files.
    `removable` tells that it can be taken off a computer again (I4); packages cannot. An update
    of one's own has `custom` and no `packages`.
    """

    id: str
    source: str
    product: str
    version: str
    release: tuple[str, ...]
    classification: str
    packages: tuple[PackageFile, ...]
    location: str = ""
    severity: UpdateSeverity = UpdateSeverity.UNSET
    released_at: Optional[datetime] = None
    title: str = ""
    cves: tuple[str, ...] = ()
    supersedes: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    modified_at: Optional[datetime] = None
    links: tuple[str, ...] = ()
    fixes: tuple[PackageFix, ...] = ()
    removable: bool = False
    custom: Optional[CustomSteps] = None

    @property
    def has_files(self) -> bool:
        """Tell whether anything could be installed; an advisory alone is never offered."""
        return bool(self.packages) or self.custom is not None

    @property
    def has_rpms(self) -> bool:
        """Tell whether its files are rpms; those of one update are all of one kind."""
        return bool(self.packages) and self.packages[0].is_rpm

    @property
    def all_products(self) -> tuple[str, ...]:
        """Its product, and further names under which people look for it."""
        return (self.product, *self.products)


@dataclass(frozen=True)
class CatalogEntry:
    """An update with its history in the catalog.

    `revision` counts changes of packages or digests, from 1; `since` is the content version in
    which that revision entered, and `former` those of the revisions before it, the last one last;
    a withdrawn update is kept, offered to nobody and supersedes nothing (S8).
    """

    update: Update
    revision: int
    since: int
    first_seen_at: datetime
    withdrawn: bool = False
    former: tuple[int, ...] = ()

    def entered(self, revision: int) -> int:
        """Give the content version from which on the catalog held that revision or a later one.

        Of a revision that is too old to be remembered it is the oldest version that is known.
        """
        known = (*self.former, self.since)
        newer = max(self.revision - revision, 0)
        return known[max(len(known) - 1 - newer, 0)]


@dataclass(frozen=True)
class SliceUpdate:
    """What an agent needs to judge one update: binary package, architecture, version.

    `modules` are the module streams of the packages in their order (nothing for one without),
    or empty where none has any: a stream's updates are only for who has that stream installed.
    """

    id: str
    packages: tuple[tuple[str, str, str], ...]
    modules: tuple[str, ...] = ()


def pins_of(
    files: Iterable[PackageFile],
) -> tuple[tuple[tuple[str, str, str], ...], tuple[str, ...]]:
    """Give (name, architecture, version) of files in order, and their modules as agents get them.

    The modules are empty where no file has one.
    """
    found = sorted({((one.name, one.architecture, one.version), one.module) for one in files})
    modules = tuple(module for _, module in found)
    return tuple(pin for pin, _ in found), modules if any(modules) else ()


@dataclass(frozen=True)
class CatalogSlice:
    """The updates for one operating-system release in one content version (S10)."""

    release: str
    version: int
    updates: tuple[SliceUpdate, ...]
