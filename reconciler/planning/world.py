"""What every step of one plan looks at; nothing here decides."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from reconciler.desired.expansion import kind_and_name
from reconciler.desired.state import DesiredState, Placed
from reconciler.kinds.authorization import Authorization
from reconciler.kinds.phase import Phase
from reconciler.kinds.rollout import Rollout
from reconciler.kinds.suspension import Suspension
from reconciler.kinds.update_group import UpdateGroup
from reconciler.model.problems import Location
from reconciler.observed.memo import Memo
from reconciler.observed.state import ObservedState
from reconciler.planning.actions import Cause
from reconciler.planning.collections import Collections
from reconciler.planning.updates import authorized_updates, ripening
from reconciler.planning.verdicts import Evidence


@dataclass(frozen=True, slots=True)
class SiteIdentity:
    """The site that plans: its manifest's name, its code for ids, its own distribution point."""

    name: str
    code: str
    point: str


@dataclass(frozen=True, slots=True)
class World:
    """Both sides, the instant, and what was computed from them once for all steps."""

    desired: DesiredState
    observed: ObservedState
    site: SiteIdentity
    now: datetime
    collections: Collections
    evidence: Evidence
    memo: Memo

    def rollouts(self) -> tuple[RolloutView, ...]:
        """Give the rollouts that git holds, by name."""
        return tuple(RolloutView(self, name) for name in sorted(self.desired.rollouts))

    def ripe(self, group: str) -> int:
        """Give a number that changes whenever time alone may let an update into the group."""
        spec = self.desired.update_groups[group].document.spec
        catalog = self.observed.catalog
        moments = self.memo.value(("ripening", group), (), lambda: ripening(spec, catalog))
        return bisect_right(moments, self.now)

    def left_git(self, rollout: str, rule: str) -> Cause:
        """Say that a rollout is gone; the commit that lacks it is all that can be named."""
        kind, name = kind_and_name(rollout)
        commit = self.desired.commit
        return Cause(kind, name, Location(""), commit, rule, "its manifest left git")


@dataclass(frozen=True)
class RolloutView:
    """One rollout, or what is gated like one, with the manifests that it depends on.

    `name` is what records are kept under; emergencies and removals have their kind in it.
    """

    world: World
    name: str

    @property
    def placed(self) -> Placed[Rollout]:
        """The rollout's manifest."""
        return self.world.desired.rollouts[self.name]

    @property
    def authorization(self) -> Placed[Authorization]:
        """The authorization that it rolls out."""
        return self.world.desired.authorizations[self.placed.document.spec.authorization]

    @property
    def group(self) -> Placed[UpdateGroup]:
        """The update group behind the authorization."""
        return self.world.desired.update_groups[self.authorization.document.spec.group]

    @property
    def subject(self) -> str:
        """The name under which conditions speak of it."""
        return "/".join(kind_and_name(self.name))

    @property
    def kind(self) -> str:
        """The kind of the manifest behind it: Rollout, EmergencyChange or Removal."""
        return kind_and_name(self.name)[0]

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Its phases in the order of the list."""
        return self.placed.document.spec.phases

    @property
    def keep_superseded(self) -> bool:
        """Whether the group offers superseded updates as well (S8)."""
        return self.group.document.spec.superseded == "include"

    @property
    def authorized(self) -> frozenset[str]:
        """What git authorizes and can be installed, whatever the time."""
        return self._authorized[0]

    @property
    def without_files(self) -> frozenset[str]:
        """What git authorizes, and of what the catalog knows no files: it is never offered."""
        return self._authorized[1]

    @cached_property
    def _authorized(self) -> tuple[frozenset[str], frozenset[str]]:
        world, name = self.world, self.placed.document.spec.authorization
        catalog = world.observed.catalog
        return world.memo.value(
            ("authorized", name),
            world.ripe(self.group.name),
            lambda: authorized_updates(world.desired, name, catalog, world.now),
        )

    @property
    def begins_at(self) -> datetime | None:
        """The instant from which it is in force; none means since its commit."""
        return self.authorization.document.spec.from_

    @property
    def ends_at(self) -> datetime | None:
        """The instant from which it is no longer in force (S8)."""
        return self.authorization.document.spec.until

    @property
    def in_force(self) -> bool:
        """Whether the authorization has begun and not ended (S8)."""
        return not self.is_early and not self.has_ended

    @property
    def is_early(self) -> bool:
        """Whether the authorization is yet to begin."""
        return self.begins_at is not None and self.world.now < self.begins_at

    @property
    def has_ended(self) -> bool:
        """Whether the authorization is over."""
        return self.ends_at is not None and self.ends_at <= self.world.now

    @property
    def suspension(self) -> Suspension | None:
        """The suspension in force on the rollout, its authorization or its group (S8)."""
        manifests = (self.placed, self.authorization, self.group)
        found = (placed.document.spec.suspend for placed in manifests)
        now = self.world.now
        return next((one for one in found if one is not None and one.is_in_force(now)), None)

    @property
    def is_paused(self) -> bool:
        """Whether nothing may start, open or soak: suspended, or its set is empty for now (S8)."""
        return self.suspension is not None or not self.in_force

    def cause(self, rule: str, because: str, *, phase: str | None = None) -> Cause:
        """Say why, with the place of the rollout or of one of its phases (S27)."""
        place = self.placed
        numbers = {named.name: number for number, named in enumerate(self.phases)}
        field = ("spec", "phases", numbers[phase]) if phase in numbers else ()
        kind, name = kind_and_name(self.name)
        return Cause(kind, name, place.locate(field), place.changed_in, rule, because)
