"""How far rollouts are: compliance by release, and when it reached what share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.planning.counts import PhaseCount

SHARES = (50, 95, 99)
ReleaseKey = tuple[str, int]


@dataclass(slots=True)
class Standing:
    """One release: its compliance now, and when it first was so high."""

    target: int = 0
    compliant: int = 0
    reached: dict[int, datetime] = field(default_factory=dict)

    @property
    def percent(self) -> float:
        """The compliant of all that are targeted, as a percentage with two places."""
        return round(100 * self.compliant / self.target, 2) if self.target else 0.0


class Standings:
    """All releases that a plan counted, live ones first renewed."""

    def __init__(self) -> None:
        self.by_release: dict[ReleaseKey, Standing] = {}

    def note(self, counts: Iterable[PhaseCount], now: datetime) -> None:
        """Take in the counts of a plan; a release that is not in it keeps its last ones."""
        sums: dict[ReleaseKey, tuple[int, int]] = {}
        for count in counts:
            key = (count.rollout, count.release)
            target, compliant = sums.get(key, (0, 0))
            sums[key] = (target + count.target, compliant + count.compliant)
        for key, (target, compliant) in sums.items():
            standing = self.by_release.setdefault(key, Standing())
            standing.target, standing.compliant = target, compliant
            for share in SHARES:
                if target and 100 * compliant >= share * target:
                    standing.reached.setdefault(share, now)
