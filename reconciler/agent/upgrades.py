"""What the machine's own package manager would upgrade, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Upgrade:
    """One package that could be upgraded; `origin` and `suite` are as its repository says."""

    name: str
    architecture: str
    installed: str
    candidate: str
    origin: str
    suite: str
    security: bool


@dataclass(frozen=True)
class LocalScan:
    """All of them, and what the package manager complained of while it read its sources."""

    upgrades: tuple[Upgrade, ...]
    warnings: tuple[str, ...]
