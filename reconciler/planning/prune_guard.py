"""What is missing from git, and whether it may retire (S23)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from reconciler.desired.expansion import is_held
from reconciler.desired.state import DesiredState
from reconciler.model.grants import Grant
from reconciler.model.objects import Advertisement
from reconciler.observed.state import ObservedState

_FEW = 5
_SHARE_OF_LIVE = 5
"""More than one in so many, which is 20 %."""


@dataclass(frozen=True)
class PruneGuard:
    """What would retire because it is missing from git, and whether it may.

    Where too much is missing, everything is withheld until a commit grants it: more than 5 and
    more than 20 % of the live advertisements, or all that there is to roll out (S23).
    """

    desired: DesiredState
    observed: ObservedState

    @cached_property
    def missing(self) -> tuple[Advertisement, ...]:
        """The advertisements whose manifest or phase left git, by id."""
        offers = self.observed.memory.advertisements
        return tuple(offers[key] for key in sorted(offers) if self._is_missing(offers[key]))

    @cached_property
    def is_tripped(self) -> bool:
        """Whether more is missing than may go without a word; only a complete read tells (S29)."""
        if not self.observed.fresh:
            return False
        live = len(self.observed.memory.advertisements)
        count = len(self.missing)
        return (count > _FEW and count * _SHARE_OF_LIVE > live) or self._lost_all()

    @cached_property
    def grant(self) -> Grant | None:
        """The smallest grant that is large enough and was not used before."""
        spent = self.observed.memory.grants
        enough = [
            grant
            for grant in self.desired.grants
            if grant.number >= len(self.missing) and (grant.commit,) not in spent
        ]
        return min(enough, key=lambda grant: (grant.number, grant.commit), default=None)

    @property
    def withholds(self) -> bool:
        """Whether what is missing stays, and all that is remembered of it."""
        return self.is_tripped and self.grant is None

    def withholds_of(self, rollout: str) -> bool:
        """Tell whether something of the rollout is withheld."""
        return self.withholds and any(offer.rollout == rollout for offer in self.missing)

    def _is_missing(self, offer: Advertisement) -> bool:
        if not is_held(self.desired, offer.rollout):
            return True
        rollout = self.desired.rollouts.get(offer.rollout)
        phases = rollout.document.spec.phases if rollout is not None else ()
        return rollout is not None and all(phase.name != offer.phase for phase in phases)

    def _lost_all(self) -> bool:
        """Tell whether git holds nothing to roll out any more, while something is live."""
        desired, memory = self.desired, self.observed.memory
        if desired.rollouts or desired.drills:
            return False
        return (
            bool(memory.advertisements)
            or any(not release.retired for release in memory.releases.values())
            or any(not run.state.is_end for run in memory.drills.values())
            or any(not one.has_ended for one in memory.emergencies.values())
        )
