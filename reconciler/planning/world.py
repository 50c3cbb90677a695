"""What every step of one plan looks at; nothing here decides."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cached_property
from types import MappingProxyType

from pyroaring import BitMap, FrozenBitMap

from reconciler.desired.expansion import EMERGENCY, is_removal, kind_and_name, rollout_name
from reconciler.desired.site_zones import zone_of_site
from reconciler.desired.state import DesiredState, Placed
from reconciler.kinds.authorization import Authorization
from reconciler.kinds.phase import Phase
from reconciler.kinds.rollout import Rollout
from reconciler.kinds.suspension import Suspension
from reconciler.kinds.update_group import UpdateGroup
from reconciler.model.aims import Aim
from reconciler.model.emergencies import EmergencyRecord, EmergencyState
from reconciler.model.problems import Location
from reconciler.observed.memo import Identity, Memo
from reconciler.observed.state import ObservedState
from reconciler.planning.actions import Cause
from reconciler.planning.collections import Collections
from reconciler.planning.guidance import WaivedUpdate
from reconciler.planning.prune_guard import PruneGuard
from reconciler.planning.updates import authorized_updates, group_updates, ripening
from reconciler.planning.verdicts import Evidence
from reconciler.planning.windows import split_by_zone

_FOLDS = EmergencyState.FOLDING


@dataclass(frozen=True, slots=True)
class SiteIdentity:
    """The site that plans: its manifest's name, its code for ids, its own distribution point."""

    name: str
    code: str
    point: str


@dataclass(frozen=True, slots=True)
class World:
    """Both sides, the instant, and what was computed from them once for all steps.

    `barring` are policies that assert what no plan with an opening is: nothing opens. `approved`
    are the updates that an authorization is approved for, where a policy asks for approvals.
    """

    desired: DesiredState
    observed: ObservedState
    site: SiteIdentity
    now: datetime
    collections: Collections
    evidence: Evidence
    memo: Memo
    guard: PruneGuard
    waivers: Mapping[str, WaivedUpdate]
    barring: tuple[str, ...] = ()
    approved: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    def by_zone(self, members: BitMap | FrozenBitMap) -> Iterator[tuple[tzinfo, FrozenBitMap]]:
        """Split computers by the zone in which their wall times are read (S3)."""
        site_zone = zone_of_site(self.desired, self.site.name)
        return split_by_zone(self.memo, members, site_zone)

    def rollouts(self, emergencies: Iterable[EmergencyRecord]) -> tuple[RolloutView, ...]:
        """Give the rollouts that git holds, by name, as far as its emergencies have come."""
        records = {record.rollout: record for record in emergencies}
        folded = self._folded(records)
        return tuple(
            RolloutView(self, name, records.get(name), folded)
            for name in sorted(self.desired.rollouts)
        )

    def group_members(self, group: str, folded: frozenset[str]) -> frozenset[str]:
        """Give the updates of a group, each evaluated once (S9)."""
        spec, catalog = self.desired.update_groups[group].document.spec, self.observed.catalog
        return self.memo.value(
            ("group", group),
            (folded, self.ripe(group)),
            lambda: group_updates(spec, catalog, self.now, folded),
        )

    def _folded(self, records: Mapping[str, EmergencyRecord]) -> Mapping[str, frozenset[str]]:
        """Give, by group, the updates of emergencies that fold into it, as git holds them (S21)."""
        found: dict[str, frozenset[str]] = {}
        for name, placed in self.desired.emergency_changes.items():
            record, spec = records.get(rollout_name(EMERGENCY, name)), placed.document.spec
            if spec.fold_into is not None and record and record.has_reached(_FOLDS):
                found[spec.fold_into] = found.get(spec.fold_into, frozenset()).union(spec.updates)
        return found

    def ripe(self, group: str) -> int:
        """Give a number that changes whenever time alone may let an update into the group."""
        return bisect_right(self._ripening(group), self.now)

    def ripens_at(self, group: str) -> datetime | None:
        """Give the next instant at which time alone may let an update into the group (S9)."""
        return next(iter(self._ripening(group)[self.ripe(group) :]), None)

    def _ripening(self, group: str) -> tuple[datetime, ...]:
        spec = self.desired.update_groups[group].document.spec
        catalog = self.observed.catalog
        return self.memo.value(("ripening", group), (), lambda: ripening(spec, catalog))

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
    emergency: EmergencyRecord | None = None
    folded: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def placed(self) -> Placed[Rollout]:
        """The rollout's manifest."""
        return self.world.desired.rollouts[self.name]

    @cached_property
    def authorization(self) -> Placed[Authorization]:
        """The authorization that it rolls out."""
        return self.world.desired.authorizations[self.placed.document.spec.authorization]

    @cached_property
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

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """Its phases in the order of the list."""
        return self.placed.document.spec.phases

    @cached_property
    def aim(self) -> Aim:
        """What it brings about; the group may offer superseded updates as well (S8)."""
        if is_removal(self.name):
            return Aim.REMOVE
        too = self.group.document.spec.superseded == "include"
        return Aim.INSTALL_SUPERSEDED_TOO if too else Aim.INSTALL

    @property
    def authorized(self) -> frozenset[str]:
        """What git authorizes and can be installed, or removed, whatever the time."""
        return self._approved[0]

    @property
    def left_out(self) -> frozenset[str]:
        """What git authorizes and is never offered: without files, or not to be removed."""
        return self._approved[1]

    @property
    def awaiting(self) -> frozenset[str]:
        """What would be authorized, and came after the approval that a policy asks for (S24)."""
        return self._approved[2]

    @cached_property
    def _approved(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """What an emergency folds in was approved with the emergency."""
        offered, left_out = self._authorized
        approved = self.world.approved.get(self.authorization.name)
        if approved is None:
            return offered, left_out, frozenset()
        known = approved | self.folded.get(self.group.name, frozenset())
        return self.world.memo.value(
            ("approved", self.name),
            (Identity(offered), known),
            lambda: (offered & known, left_out & known, offered - known),
        )

    @cached_property
    def _authorized(self) -> tuple[frozenset[str], frozenset[str]]:
        world, group = self.world, self.group.name
        chosen = world.group_members(group, self.folded.get(group, frozenset()))
        name = self.placed.document.spec.authorization
        return world.memo.value(
            ("authorized", name),
            Identity(chosen),
            lambda: authorized_updates(world.desired, name, world.observed.catalog, chosen),
        )

    def holders_of(self, update: str) -> frozenset[str]:
        """Give the update, and those that do for it: to remove one is not to remove another."""
        if self.aim is Aim.REMOVE:
            return frozenset({update})
        superseders = self.world.observed.catalog.superseders
        return frozenset({update}) | superseders.get(update, frozenset())

    @property
    def overrides_windows(self) -> bool:
        """Whether its programs start outside windows too, as only an emergency may (S18)."""
        kind, name = kind_and_name(self.name)
        if kind != EMERGENCY:
            return False
        return self.world.desired.emergency_changes[name].document.spec.windows == "override"

    @property
    def may_build(self) -> bool:
        """Whether releases may be cut: an emergency's from its state on, until its end (S21)."""
        if self.kind != EMERGENCY:
            return True
        record = self.emergency
        is_over = record is not None and record.has_ended
        return self._has_reached(EmergencyState.BUILDING) and not is_over

    @property
    def may_open(self) -> bool:
        """Whether phases may open: an emergency's only from its own state on (S21)."""
        return self.kind != EMERGENCY or self._has_reached(EmergencyState.ADVERTISED)

    def _has_reached(self, state: EmergencyState) -> bool:
        return self.emergency is not None and self.emergency.has_reached(state)

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
        at = self.world.memo.value(("place", self.name, field), (), lambda: place.locate(field))
        return Cause(kind, name, at, place.changed_in, rule, because)
