"""Packages, programs, advertisements and content, derived from releases (S16, S20, S22)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

from reconciler.desired.expansion import DRILL, EMERGENCY, REFERENCE, is_held, kind_and_name
from reconciler.kinds.phase import Phase
from reconciler.model.aims import Aim
from reconciler.model.canonical import digest_of
from reconciler.model.codec import encode
from reconciler.model.drills import DrillRecord, DrillState
from reconciler.model.emergencies import EmergencyRecord, EmergencyState
from reconciler.model.ids import make_object_id
from reconciler.model.objects import (
    Advertisement,
    ContentAssignment,
    ContentState,
    Owner,
    Package,
    Program,
)
from reconciler.model.rollouts import Passage, PhaseRecord, PhaseState, Release
from reconciler.observed.catalog import Catalog
from reconciler.observed.memory import DerivedObject, Memory, key_of
from reconciler.planning.actions import Action, Cause, Verb
from reconciler.planning.draft import Draft
from reconciler.planning.drill_objects import drill_offer, drill_package, drill_program
from reconciler.planning.drills import PHASE as DRILL_PHASE
from reconciler.planning.drills import DrillView
from reconciler.planning.emergencies import SCAN_RELEASE
from reconciler.planning.orders import order_of
from reconciler.planning.own_deadlines import terms_of
from reconciler.planning.readvertising import rerun_of
from reconciler.planning.scans import (
    has_scans,
    non_expedited_name,
    scan_offer,
    scan_package_name,
    scans_of,
)
from reconciler.planning.world import RolloutView, World

K = TypeVar("K", bound=tuple[str | int, ...])
R = TypeVar("R", bound=DerivedObject)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object that should exist, and who says why: few are new, so few are asked."""

    record: DerivedObject
    why: Callable[[], Cause]


@dataclass(frozen=True, slots=True)
class Opening:
    """A release in a phase that has opened."""

    release: Release
    phase: Phase
    record: PhaseRecord


class ObjectDraft:
    """What should exist, with ids taken from what exists or given anew (S26)."""

    def __init__(self, world: World, draft: Draft) -> None:
        self._world = world
        self._draft = draft
        self._memory = world.observed.memory
        self._next_number = self._memory.next_number
        self._packages = {
            (one.rollout, one.release, one.version): one for one in self._memory.packages.values()
        }
        self._package_ids = {package.name: package.id for package in self._memory.packages.values()}
        self._offers = {
            (offer.rollout, offer.release, offer.phase): offer
            for offer in self._memory.advertisements.values()
        }
        self.wanted: list[Wanted] = []

    def derive(self, rollout: RolloutView) -> None:
        """Add the objects of every live release of a rollout."""
        if rollout.has_ended:
            return
        record = has_scans(rollout)
        if record is not None:
            self._derive_scans(rollout, record)
        for release in self._draft.live_releases(rollout.name):
            self._derive_release(rollout, release)

    def _derive_scans(self, rollout: RolloutView, record: EmergencyRecord) -> None:
        """One version of the scan package, advertised to the reference computers (S21)."""
        cause = partial(rollout.cause, "S21", "the emergency scans for its updates")
        scans = scans_of(rollout, record, self._package_id(scan_package_name(rollout)))
        known = self._memory.packages.get((scans.package.id, scans.package.version))
        package = known or scans.package
        self.wanted.append(Wanted(package, cause))
        self.wanted.append(Wanted(self._assignment(package), cause))
        for program in (scans.expedited, scans.non_expedited):
            self.wanted.append(Wanted(replace(program, owner=package.owner), cause))
        if record.has_reached(EmergencyState.REFERENCE_SCAN):
            offered = self._offers.get((rollout.name, SCAN_RELEASE, REFERENCE))
            identity = offered.id if offered else self._new_id()
            offer = scan_offer(rollout, record, scans.expedited, identity)
            self.wanted.append(Wanted(replace(offer, owner=package.owner), cause))

    def derive_drill(self, drill: DrillView, run: DrillRecord) -> None:
        """Add the package of a run's own, and the scan in it, advertised once it is staged (I5)."""
        cause = partial(drill.cause, f"run {run.run} is {run.state.value}")
        name = drill.package_name(run)
        made = drill_package(drill, run, self._package_id(name))
        package = self._memory.packages.get((made.id, made.version), made)
        program = drill_program(package)
        self.wanted += [Wanted(one, cause) for one in (package, self._assignment(package), program)]
        if run.state is DrillState.ADVERTISED:
            offered = self._offers.get((drill.name, run.run, DRILL_PHASE))
            identity = offered.id if offered else self._new_id()
            self.wanted.append(Wanted(drill_offer(drill, run, program, identity), cause))

    def _derive_release(self, rollout: RolloutView, release: Release) -> None:
        """One package version per release, offered in each phase that has opened (S16, S20)."""
        cause = partial(rollout.cause, "S20", f"release {release.number} needs its content")
        package = self._package(rollout, release)
        program = Program(
            package.id,
            package.version,
            rollout.aim.program,
            rollout.aim.program,
            self._max_runtime(rollout, release),
            package.owner,
            depends_on=non_expedited_name(rollout) if rollout.kind == EMERGENCY else "",
        )
        self.wanted.append(Wanted(package, cause))
        self.wanted.append(Wanted(self._assignment(package), cause))
        self.wanted.append(Wanted(program, cause))
        records = self._draft.phases_of(release)
        halted = any(record.state is PhaseState.HALTED for record in records.values())
        held = halted or rollout.is_paused
        for phase in rollout.phases:
            record = records.get(phase.name)
            if record is not None and _is_offered(record):
                opening = Opening(release, phase, record)
                offer = self._advertisement(rollout, opening, program, held=held)
                because = f"release {release.number} is open in the phase"
                why = partial(rollout.cause, "S16", because, phase=phase.name)
                self.wanted.append(Wanted(offer, why))

    def _max_runtime(self, rollout: RolloutView, release: Release) -> timedelta:
        """Give room for the packages, if there are any, and for each update of one's own (S4)."""
        whole = rollout.group.document.spec.max_runtime
        return self._world.memo.value(
            ("runtime", release.rollout, release.number),
            (release, whole),
            lambda: _room_for(release, self._world.observed.catalog, whole),
        )

    def _package(self, rollout: RolloutView, release: Release) -> Package:
        """Keep a release's package, whichever authorization its rollout names by now.

        A version that another release of the authorization has is none of this one's (S20).
        """
        priority = rollout.placed.document.spec.priority
        known = self._packages.get((release.rollout, release.number, release.version))
        if known is not None:
            changed = replace(known, priority=priority, owner=_owner(rollout))
            return known if known.priority == priority else changed
        name = rollout.placed.document.spec.authorization
        if (self._package_id(name), release.version) in self._memory.packages:
            name = f"{name}/{release.rollout}"
        return Package(
            id=self._package_id(name),
            version=release.version,
            name=name,
            content_digest=digest_of([encode(update) for update in release.updates]),
            rollout=rollout.name,
            release=release.number,
            priority=priority,
            owner=_owner(rollout),
        )

    def _package_id(self, name: str) -> str:
        """Give the id that all versions of a package share (S20)."""
        if name not in self._package_ids:
            self._package_ids[name] = self._new_id()
        return self._package_ids[name]

    def _assignment(self, package: Package) -> ContentAssignment:
        point = self._world.site.point
        known = self._memory.assignments.get((package.id, package.version, point))
        return known or ContentAssignment(
            package.id, package.version, point, ContentState.STARTED, package.owner
        )

    def _advertisement(
        self, rollout: RolloutView, opening: Opening, program: Program, *, held: bool
    ) -> Advertisement:
        spec = rollout.placed.document.spec
        release, phase, opened_at = opening.release, opening.phase, opening.record.opened_at
        known = self._offers.get((rollout.name, release.number, phase.name))
        terms = terms_of(phase, spec.time_basis, opened_at)
        released_at = known.released_at if known else None
        if known is not None and known.held and not held:
            released_at = self._world.now
        offer = Advertisement(
            id=known.id if known else self._new_id(),
            package=program.package,
            version=program.version,
            program=program.name,
            rollout=rollout.name,
            release=release.number,
            phase=phase.name,
            updates=release.ids,
            available_at=opened_at,
            mandatory_at=terms.due_at if terms else None,
            mandatory_local=terms is not None and terms.local,
            recurrence=phase.recurrence or spec.recurrence,
            grace=phase.grace,
            held=held,
            owner=known.owner if known else _owner(rollout),
            superseded=rollout.aim is Aim.INSTALL_SUPERSEDED_TOO,
            released_at=released_at,
            rerun_at=rerun_of(self._draft, rollout.name, phase.name, opened_at),
            order=order_of(
                spec,
                phase,
                emergency=rollout.kind == EMERGENCY,
                override_windows=rollout.overrides_windows,
            ),
        )
        return offer if offer == known else replace(offer, owner=_owner(rollout))

    def _new_id(self) -> str:
        identity = make_object_id(self._world.site.code, self._next_number)
        self._next_number += 1
        return identity


def _room_for(release: Release, catalog: Catalog, whole: timedelta) -> timedelta:
    known = [catalog.entries[one].update for one in release.ids if one in catalog.entries]
    own = [one.custom.max_runtime for one in known if one.custom is not None]
    has_packages = len(own) < len(release.ids)
    return sum(own, whole if has_packages else timedelta(0))


def diff_objects(world: World, wanted: list[Wanted]) -> list[Action]:
    """Compare what should exist with what does; retire in the order of S22.

    Advertisements go first, then programs, content, packages, so that nothing that is left
    refers to what is gone. On stale reads nothing is retired, but a halt still holds (S29).
    """
    memory = world.observed.memory
    kept = {_identity(one.record): one for one in wanted}
    existing = {_identity(record): record for record in _in_retiring_order(memory)}
    retired = [
        Action(_RETIRE[type(record)], record, _why_retired(world, record))
        for identity, record in existing.items()
        if identity not in kept and world.observed.fresh
    ]
    changed = [
        Action(_CHANGE[type(one.record)], one.record, one.why())
        for identity, one in kept.items()
        if type(one.record) in _CHANGE and identity in existing and existing[identity] != one.record
    ]
    created = [
        Action(_CREATE[type(one.record)], one.record, one.why())
        for identity, one in kept.items()
        if identity not in existing
    ]
    return [*retired, *created, *changed]


def _why_retired(world: World, record: DerivedObject) -> Cause:
    if isinstance(record, Package | Advertisement):
        rollout = record.rollout
    else:
        rollout = world.observed.memory.packages[record.package, record.version].rollout
    if not is_held(world.desired, rollout):
        return world.left_git(rollout, "S22")
    kind, name = kind_and_name(rollout)
    if kind == DRILL:
        return DrillView(world, world.desired.drills[name]).cause("the run is over", "S22")
    return RolloutView(world, rollout).cause("S22", "no live release of the rollout needs it")


def _in_retiring_order(memory: Memory) -> Iterator[DerivedObject]:
    yield from _sorted(memory.advertisements)
    yield from _sorted(memory.programs)
    yield from _sorted(memory.assignments)
    yield from _sorted(memory.packages)


def _sorted(table: Mapping[K, R]) -> Iterator[R]:
    return (table[key] for key in sorted(table))


def _identity(record: DerivedObject) -> tuple[type, tuple[str | int, ...]]:
    return type(record), key_of(record)


_RETIRE = {
    Advertisement: Verb.RETIRE_ADVERTISEMENT,
    Program: Verb.RETIRE_PROGRAM,
    ContentAssignment: Verb.UNASSIGN_CONTENT,
    Package: Verb.RETIRE_PACKAGE,
}
_CREATE = {
    Package: Verb.CREATE_PACKAGE,
    ContentAssignment: Verb.ASSIGN_CONTENT,
    Program: Verb.CREATE_PROGRAM,
    Advertisement: Verb.CREATE_ADVERTISEMENT,
}
_CHANGE = {
    Package: Verb.CHANGE_PACKAGE,
    Program: Verb.CHANGE_PROGRAM,
    Advertisement: Verb.CHANGE_ADVERTISEMENT,
}


def _is_offered(record: PhaseRecord) -> bool:
    return not record.retired and record.passage is not Passage.SKIPPED


def _owner(rollout: RolloutView) -> Owner:
    return Owner(*kind_and_name(rollout.name), rollout.placed.changed_in)
