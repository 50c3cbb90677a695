"""What computers are told beside their advertisements: windows and scans, by class (S4, S10)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from pyroaring import FrozenBitMap

from reconciler.model.custom import DetectOrder
from reconciler.model.policy import InventoryOrder, ProbeOrder, Windows
from reconciler.observed.cohorts import Cohorts
from reconciler.observed.memory import PhaseKey


@dataclass(frozen=True, slots=True)
class WindowClass:
    """Computers with the same windows: they share window-bearing collections, zone and freezes.

    `emergency` are the windows of emergencies where those differ (S13a).
    """

    members: FrozenBitMap
    windows: Windows
    zone: str = "UTC"
    emergency: Windows | None = None


@dataclass(frozen=True, slots=True)
class ScanClass:
    """Computers that scan and report with the same cadence."""

    members: FrozenBitMap
    every: timedelta
    first_within: timedelta
    report_every: timedelta
    inventory: InventoryOrder = field(default_factory=InventoryOrder)


@dataclass(frozen=True, slots=True)
class ProbeClass:
    """Computers that find out one custom fact."""

    members: FrozenBitMap
    probe: ProbeOrder


@dataclass(frozen=True, slots=True)
class DetectClass:
    """Computers that look for one update of one's own."""

    members: FrozenBitMap
    order: DetectOrder


@dataclass(frozen=True, slots=True)
class BudgetDomain:
    """Computers of which at most `limit` may be disrupted at once (S19).

    `budget` is its subject, `value` what its members share. It binds starts of one (rollout,
    release, phase), or all starts of its members where `phase` is nothing.
    """

    budget: str
    value: str
    members: FrozenBitMap
    limit: int
    phase: PhaseKey | None = None

    def binds(self, ordinal: int, phase: PhaseKey) -> bool:
        """Tell whether a computer's start in a phase needs room here."""
        return self.phase in (None, phase) and ordinal in self.members

    def has_room(self, disrupted: Collection[int]) -> bool:
        """Tell whether one more may be disrupted beside these."""
        return sum(1 for ordinal in disrupted if ordinal in self.members) < self.limit


@dataclass(frozen=True, slots=True)
class WaivedUpdate:
    """Who is let off an update now, and who was, by the instant at which that ended (S11)."""

    waived: FrozenBitMap
    ended: Cohorts


@dataclass(frozen=True, slots=True)
class Guidance:
    """All classes of a site. Every enrolled computer is in one of each but `probes`, `detections`.

    `enforce` is the site's mode (L5): where it is false nothing is installed. `waivers` are by
    update.
    """

    enforce: bool
    windows: tuple[WindowClass, ...]
    scans: tuple[ScanClass, ...]
    budgets: tuple[BudgetDomain, ...] = ()
    waivers: Mapping[str, WaivedUpdate] = field(default_factory=dict)
    probes: tuple[ProbeClass, ...] = ()
    detections: tuple[DetectClass, ...] = ()
