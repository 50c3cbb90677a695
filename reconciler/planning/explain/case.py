"""All that is looked at to explain one computer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from reconciler.desired.state import FieldPath, Placed
from reconciler.kinds.base import Document
from reconciler.model.aims import Aim
from reconciler.model.computers import Computer, Run
from reconciler.model.messages import StatusId, StatusMessage
from reconciler.model.policy import Offer, Policy
from reconciler.model.updates import CatalogEntry
from reconciler.planning.actions import Cause
from reconciler.planning.plan import Decisions
from reconciler.planning.policy import PolicySource, make_policy
from reconciler.planning.world import RolloutView, World


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last attempt at a release on the computer, as far as the site was told.

    A refused one changed nothing; a run that ended has its outcome in `run`.
    """

    ended_at: datetime
    refused: bool
    reason: str = ""
    detail: str = ""
    run: Run | None = None


@dataclass(frozen=True)
class Case:
    """One computer at the instant of a plan; `statuses` are its messages, newest first."""

    decisions: Decisions
    computer: Computer
    statuses: Sequence[StatusMessage]
    lifetime: timedelta
    poll_every: timedelta

    @property
    def world(self) -> World:
        """What the plan looked at."""
        return self.decisions.world

    @property
    def now(self) -> datetime:
        """The plan's instant."""
        return self.decisions.world.now

    @cached_property
    def rollouts(self) -> tuple[RolloutView, ...]:
        """What may bring updates; a removal brings none."""
        return tuple(one for one in self.decisions.rollouts if one.aim is not Aim.REMOVE)

    def required(self, entry: CatalogEntry) -> int:
        """Give the content version that a scan has to know to be believed of an update (S10).

        That of the newest revision that a live release holds; else of the newest that there is.
        """
        revisions = [
            update.revision
            for release in self.decisions.draft.releases.values()
            if not release.retired
            for update in release.offered()
            if update.id == entry.update.id
        ]
        return entry.entered(max(revisions, default=entry.revision))

    @cached_property
    def source(self) -> PolicySource:
        """What the computer's policy is made from."""
        observed = self.world.observed
        return PolicySource(
            site=self.world.site.name,
            version=0,
            memory=observed.memory,
            catalog=observed.catalog,
            guidance=self.decisions.plan.guidance,
            slices={},
            lifetime=self.lifetime,
            poll_every=self.poll_every,
        )

    @cached_property
    def policy(self) -> Policy:
        """What the computer is told."""
        return make_policy(self.source, self.computer, self.now)

    def attempt_at(self, offer: Offer) -> Attempt | None:
        """Give the last attempt at the offer's release; nothing where none is known."""
        run = self.computer.runs.get(f"{offer.rollout}/{offer.release}")
        found = [
            Attempt(one.at, refused=True, reason=one.reason, detail=one.detail)
            for one in self.statuses_of(offer)
            if one.id == StatusId.RUN_REFUSED
        ][:1]
        if run is not None and run.ended_at is not None:
            detail = next((one.detail for one in self.statuses_of(offer) if one.detail), "")
            found.append(
                Attempt(run.ended_at, refused=False, reason=run.reason, detail=detail, run=run)
            )
        return max(found, key=lambda one: one.ended_at, default=None)

    def statuses_of(self, offer: Offer) -> list[StatusMessage]:
        """Give the messages about the offer's release, newest first."""
        release = (offer.rollout, offer.release)
        return [one for one in self.statuses if (one.rollout, one.release) == release]

    def running(self) -> Run | None:
        """Give a run that has begun and not ended, if there is one."""
        runs = self.computer.runs.values()
        return next(
            (one for one in runs if one.ended_at is None or one.ended_at < one.began_at), None
        )


def cause_of(placed: Placed[Document], field: FieldPath, rule: str, because: str) -> Cause:
    """Say which place of which manifest decides."""
    kind = type(placed.document).__name__
    return Cause(kind, placed.name, placed.locate(field), placed.changed_in, rule, because)
