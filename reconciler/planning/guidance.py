"""What computers are told beside their advertisements: windows and scans, by class (S4, S10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pyroaring import FrozenBitMap

from reconciler.model.policy import ProbeOrder, Windows


@dataclass(frozen=True, slots=True)
class WindowClass:
    """Computers with the same windows: they share window-bearing collections and zone."""

    members: FrozenBitMap
    windows: Windows


@dataclass(frozen=True, slots=True)
class ScanClass:
    """Computers that scan and report with the same cadence."""

    members: FrozenBitMap
    every: timedelta
    first_within: timedelta
    report_every: timedelta


@dataclass(frozen=True, slots=True)
class ProbeClass:
    """Computers that find out one custom fact."""

    members: FrozenBitMap
    probe: ProbeOrder


@dataclass(frozen=True, slots=True)
class Guidance:
    """All classes of a site. Every enrolled computer is in one of each but `probes`.

    `enforce` is the site's mode (L5): where it is false nothing is installed.
    """

    enforce: bool
    windows: tuple[WindowClass, ...]
    scans: tuple[ScanClass, ...]
    probes: tuple[ProbeClass, ...] = ()
