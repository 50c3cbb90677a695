"""What a site tells one computer, signed (design decision 5, trust).

The signature is Ed25519 over `POLICY_DOMAIN` and the payload's bytes. An agent takes a policy
only when the signature is its site's, the computer is itself, (version, issued_at) is not lower
than the last one taken, and it has not expired.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Optional

from reconciler.model.orders import RunOrder

POLICY_DOMAIN = b"patchwright.dev/policy/v1\n"


@dataclass(frozen=True)
class OfferedUpdate:
    """An update to install on this computer: its id and (name, architecture, version) pins."""

    id: str
    packages: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Offer:
    """An advertisement as one computer sees it.

    `mandatory_at` is this computer's own deadline (S17). `updates` holds what the last scan found
    missing here; `manifest` is the SHA-256 of the package version's `PackageManifest`. Its order's
    user is available only where a user sits at the computer. With `needs_permit` a start that
    the user did not ask for has to be granted by the site (S19).
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
    order: RunOrder = field(default_factory=RunOrder)
    needs_permit: bool = False


@dataclass(frozen=True)
class Windows:
    """When programs may start and computers restart (S4).

    Always, or in these intervals, computed up to `until`.
    """

    always: bool
    updates: tuple[tuple[datetime, datetime], ...]
    until: datetime
    restarts: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True)
class ScanOrder:
    """When to scan: every so often, within `first_within` at first, and once after `after`."""

    every: timedelta
    first_within: timedelta
    after: Optional[datetime]
    catalog: Optional[str]
    content_version: int


@dataclass(frozen=True)
class Policy:
    """All that one computer has to know; `catalog` in the scan order is a SHA-256."""

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


@dataclass(frozen=True)
class SignedPolicy:
    """A policy's exact payload text and its signature in hex."""

    payload: str
    signature: str
