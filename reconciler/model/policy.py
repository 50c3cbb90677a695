"""What a site tells one computer, signed (design decision 5, trust).

The signature is Ed25519 over `POLICY_DOMAIN` and the payload's bytes. An agent takes a policy
only when the signature is its site's, the computer is itself, (version, issued_at) is not lower
than the last one taken, and it has not expired.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Optional

from reconciler.model.custom import DetectOrder, Step
from reconciler.model.orders import RunOrder

POLICY_DOMAIN = b"patchwright.dev/policy/v1\n"


@dataclass(frozen=True)
class OfferedUpdate:
    """An update to install on this computer: its id and (name, architecture, version) pins.

    `modules` are as in `SliceUpdate`. It is left out of runs before `not_before` (S11), and of a
    run that has one of `yields_to` in another program: those bring higher versions of the same
    packages (S12a). An update of one's own has a `step` and no packages.
    """

    id: str
    packages: tuple[tuple[str, str, str], ...]
    modules: tuple[str, ...] = ()
    not_before: Optional[datetime] = None
    yields_to: tuple[str, ...] = ()
    step: Optional[Step] = None


@dataclass(frozen=True)
class Offer:
    """An advertisement as one computer sees it.

    `mandatory_at` is this computer's own deadline (S17). `updates` holds what the last scan found
    missing here; `manifest` is the SHA-256 of the package version's `PackageManifest`. Its order's
    user is available only where a user sits at the computer. What came due while it was held is
    spread anew from `released_at`; who ran it before `rerun_at` runs it again (S16, S17). With
    `needs_permit` a start that the user did not ask for has to be granted by the site (S19).
    """

    advertisement: str
    rollout: str
    release: int
    phase: str
    program: str
    package: str
    version: int
    available_at: datetime
    mandatory_at: Optional[datetime]
    recurrence: timedelta
    held: bool
    max_runtime: timedelta
    updates: tuple[OfferedUpdate, ...]
    manifest: str
    released_at: Optional[datetime] = None
    rerun_at: Optional[datetime] = None
    order: RunOrder = field(default_factory=RunOrder)
    needs_permit: bool = False


@dataclass(frozen=True)
class Windows:
    """When programs may start and computers restart (S4).

    Always, or in these intervals, computed up to `until`. Freezes are cut out of them; `frozen`
    are the spans of those, in which nothing starts that needs no window either (S13a).
    """

    always: bool
    updates: tuple[tuple[datetime, datetime], ...]
    until: datetime
    restarts: tuple[tuple[datetime, datetime], ...] = ()
    frozen: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True)
class InventoryOrder:
    """What a scan lists beside updates: the packages, and programs that fit patterns (A2).

    `facts` are those that git asks for: `package.NAME` and `software.PATH`.
    """

    software: bool = True
    executables: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScanOrder:
    """When to scan: every so often, within `first_within` at first, and once for each `asked`.

    Each of those is an instant after which a scan is wanted, and when it is begun at the latest.
    `custom` are updates to look for beside those of the catalog's slice (E2).
    """

    every: timedelta
    first_within: timedelta
    asked: tuple[tuple[datetime, datetime], ...]
    catalog: Optional[str]
    content_version: int
    custom: tuple[DetectOrder, ...] = ()
    inventory: InventoryOrder = field(default_factory=InventoryOrder)


@dataclass(frozen=True)
class ProbeOrder:
    """A fact that the computer finds out by itself, anew every so often (A2).

    By what `command` prints, or else by the first group of the expression `match` in `file`;
    `type` is one of CustomFact's. Command lines come from git alone.
    """

    fact: str
    type: str
    every: timedelta
    command: tuple[str, ...] = ()
    file: str = ""
    match: str = ""


@dataclass(frozen=True)
class Policy:
    """All that one computer has to know; `catalog` in the scan order is a SHA-256.

    `emergency_windows` stand in place of `windows` for emergencies, where freezes make a
    difference between them.
    """

    computer: str
    site: str
    version: int
    issued_at: datetime
    expires_at: datetime
    enforce: bool
    poll_every: timedelta
    report_every: timedelta
    scan: ScanOrder
    windows: Windows
    offers: tuple[Offer, ...]
    probes: tuple[ProbeOrder, ...] = ()
    emergency_windows: Optional[Windows] = None


@dataclass(frozen=True)
class SignedPolicy:
    """A policy's exact payload text and its signature in hex."""

    payload: str
    signature: str
