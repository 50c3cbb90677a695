"""Drills: the way of an emergency, rehearsed by a scan that changes nothing (I5, D4).

Every run reads the catalog anew, stages a scan's content, advertises the scan to a collection and
ends when everybody has proved it by a scan, or when the next run is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pyroaring import BitMap, FrozenBitMap

from reconciler.desired.expansion import DRILL, rollout_name
from reconciler.desired.state import Placed
from reconciler.kinds.drill import Drill, DrillSpec
from reconciler.model.drills import DrillRecord, DrillState, DrillStep
from reconciler.model.times import render_duration
from reconciler.observed.columns import micros
from reconciler.observed.memory import Membership
from reconciler.planning.actions import Cause, Verb
from reconciler.planning.conditions import ConditionType
from reconciler.planning.draft import Draft
from reconciler.planning.syncing import are_read_since, told_staged
from reconciler.planning.world import World

PHASE = "drill"
"""The phase under which those who practise are remembered."""
_KEPT_RUNS = 10


@dataclass(frozen=True, slots=True)
class DrillView:
    """One drill of git; `name` is what records are kept under."""

    world: World
    placed: Placed[Drill]

    @property
    def name(self) -> str:
        """The drill's name, with its kind in it."""
        return rollout_name(DRILL, self.placed.name)

    @property
    def spec(self) -> DrillSpec:
        """What the manifest says."""
        return self.placed.document.spec

    def cause(self, because: str, rule: str = "I5") -> Cause:
        """Say why, with the place of the drill (S27)."""
        placed = self.placed
        return Cause(DRILL, placed.name, placed.at, placed.changed_in, rule, because)

    def next_at(self, run: DrillRecord) -> datetime:
        """Give when the run after this one is due."""
        return run.began_at + self.spec.schedule

    def package_name(self, run: DrillRecord) -> str:
        """Give the name of a run's own package."""
        return f"{self.name}/{run.run}"

    def missed(self, run: DrillRecord) -> tuple[str, ...]:
        """Tell in words which targets a run has missed by now, counted from its beginning."""
        targets = self.spec.targets
        found = [
            f"{words} within {render_duration(within)}"
            for state, within, words in (
                (DrillState.ADVERTISED, targets.advertised, "it was not advertised"),
                (DrillState.VERIFIED, targets.verified, "not everybody had proved it"),
            )
            if within is not None and self._is_late(run, state, within)
        ]
        if not found and run.state is DrillState.UNVERIFIED:
            found.append("not everybody had proved it when the next run was due")
        return tuple(found)

    def _is_late(self, run: DrillRecord, state: DrillState, within: timedelta) -> bool:
        """Tell whether the state was entered too late, or was not when its time was over."""
        took = run.took(state)
        return self.world.now - run.began_at >= within if took is None else took > within


def drills_of(world: World) -> tuple[DrillView, ...]:
    """Give the drills that git holds, by name."""
    drills = world.desired.drills
    return tuple(DrillView(world, drills[name]) for name in sorted(drills))


def advance_drills(world: World, draft: Draft) -> None:
    """Begin the runs that are due, and let those under way enter the states that have come.

    On stale reads every one stays where it is (S29).
    """
    for drill in drills_of(world):
        _remember_target(drill, draft)
        if world.observed.fresh:
            _go_on(drill, draft)
        _tell(drill, draft)


def judged_run(drill: DrillView, runs: list[DrillRecord]) -> DrillRecord | None:
    """Give the newest run of which it is known by now whether it met its targets."""
    known = (run for run in reversed(runs) if run.state.is_end or drill.missed(run))
    return next(known, None)


def proved(world: World, run: DrillRecord, members: FrozenBitMap) -> BitMap:
    """Give those of the members who have scanned the staged catalog since the advertisement."""
    advertised_at = run.entered_at(DrillState.ADVERTISED)
    if advertised_at is None:
        return BitMap()
    fleet = world.observed.fleet
    scanned = fleet.last_scan_at.above(micros(advertised_at))
    return scanned & fleet.scan_version.at_least(run.content_version) & members


def _go_on(drill: DrillView, draft: Draft) -> None:
    newest = draft.newest_run(drill.name)
    is_due = newest is None or drill.next_at(newest) <= drill.world.now
    if newest is None or newest.state.is_end:
        if is_due:
            _begin(drill, newest, draft)
        return
    evidence = _ENDS[newest.state](drill, newest, draft)
    if evidence:
        _enter(drill, newest, _NEXT[newest.state], evidence, draft)
    elif is_due:
        _give_up(drill, newest, draft)


def _begin(drill: DrillView, last: DrillRecord | None, draft: Draft) -> None:
    """Begin the next run; runs that are long over are forgotten."""
    if not drill.world.collections.members(drill.spec.collection):
        message = "nobody is in its collection, so that no run begins"
        draft.tell(drill.name, ConditionType.EMPTY_TARGET, message)
        return
    number = 1 if last is None else last.run + 1
    every = render_duration(drill.spec.schedule)
    because = "the manifest took force" if last is None else f"run {last.run} began {every} ago"
    _enter(drill, DrillRecord(drill.name, number, ()), DrillState.SYNCING, because, draft)
    for run in draft.runs_of(drill.name)[:-_KEPT_RUNS]:
        cause = drill.cause(f"{_KEPT_RUNS} newer runs are remembered")
        left = draft.memberships.get((drill.name, run.run, PHASE))
        if left is not None:
            draft.act(Verb.FORGET_TARGETS, left, cause)
        draft.act(Verb.FORGET_DRILL, run, cause)


def _enter(
    drill: DrillView, run: DrillRecord, state: DrillState, evidence: str, draft: Draft
) -> None:
    step = DrillStep(state, drill.world.now, evidence)
    entered = replace(run, steps=(*run.steps, step))
    if state is DrillState.STAGING:
        entered = replace(entered, content_version=drill.world.observed.catalog.version)
    draft.act(Verb.ENTER_DRILL_STATE, entered, drill.cause(evidence))


def _is_synced(drill: DrillView, run: DrillRecord, _: Draft) -> str:
    """Every source was read whole since the beginning (D4, step 1)."""
    catalog = drill.world.observed.catalog
    if not are_read_since(catalog, drill.world.desired.catalog_sources, run.began_at):
        return ""
    return f"content version {catalog.version} is the newest"


def _is_staged(drill: DrillView, run: DrillRecord, _: Draft) -> str:
    """Every point has confirmed the scan's content (D4, step 2)."""
    memory, name = drill.world.observed.memory, drill.package_name(run)
    packages = {key for key, package in memory.packages.items() if package.name == name}
    return told_staged(
        [one.state for key, one in memory.assignments.items() if key[:2] in packages]
    )


def _is_verified(drill: DrillView, run: DrillRecord, draft: Draft) -> str:
    """Everybody to whom it is advertised has scanned since (D4, step 11)."""
    members = _members(run, draft)
    if not members or members - proved(drill.world, run, members):
        return ""
    return f"{len(members)} computer(s) have scanned"


def _give_up(drill: DrillView, run: DrillRecord, draft: Draft) -> None:
    """End a run that the next one comes after; who had not proved it stays remembered."""
    members = _members(run, draft)
    left = FrozenBitMap(members - proved(drill.world, run, members))
    if run.state is not DrillState.ADVERTISED:
        told = f"the next run is due, and it was {run.state.value} still"
    elif not left:
        told = "the next run is due, and nobody is left to prove this one"
    else:
        told = f"the next run is due, and {len(left)} of {len(members)} have not scanned"
    if left and left != members:
        late = Membership(drill.name, run.run, PHASE, left)
        draft.act(Verb.SET_TARGETS, late, drill.cause("they had not proved the run"))
    _enter(drill, run, DrillState.UNVERIFIED, told, draft)


def _members(run: DrillRecord, draft: Draft) -> FrozenBitMap:
    membership = draft.memberships.get((run.rollout, run.run, PHASE))
    return FrozenBitMap() if membership is None else membership.members


def _remember_target(drill: DrillView, draft: Draft) -> None:
    """Keep who was in the collection at the advertisement and still is, until the run is proved."""
    for run in draft.runs_of(drill.name):
        old = draft.memberships.get((drill.name, run.run, PHASE))
        if run.state is DrillState.VERIFIED and old is not None:
            draft.act(Verb.FORGET_TARGETS, old, drill.cause("everybody has proved the run"))
        if run.state is not DrillState.ADVERTISED:
            continue
        members = drill.world.collections.members(drill.spec.collection)
        here = members if old is None else FrozenBitMap(old.members & members)
        new = Membership(drill.name, run.run, PHASE, here)
        if new != old:
            cause = drill.cause(f"{len(here)} computer(s) are asked to scan at once")
            draft.act(Verb.SET_TARGETS, new, cause)


def _tell(drill: DrillView, draft: Draft) -> None:
    """Say how far the newest run is, and whether the last one that is judged met its targets."""
    runs = draft.runs_of(drill.name)
    judged = judged_run(drill, runs)
    if judged is not None:
        missed, subject = drill.missed(judged), f"{drill.name}/{judged.run}"
        type_ = ConditionType.DRILL_MISSED if missed else ConditionType.DRILL_MET
        draft.tell(subject, type_, "; ".join(missed) or "everybody proved it within its targets")
    for run in runs[-1:]:
        draft.wake_at(drill.next_at(run))
        if run.state.is_end:
            continue
        message = f"{run.state.value}: {WAITS[run.state]}"
        draft.tell(f"{drill.name}/{run.run}", ConditionType.DRILL, message)
        for within in (drill.spec.targets.advertised, drill.spec.targets.verified):
            if within is not None:
                draft.wake_at(run.began_at + within)


def live_runs(world: World, draft: Draft) -> Iterator[tuple[DrillView, DrillRecord]]:
    """Give each drill's run that is under way and has objects."""
    for drill in drills_of(world):
        run = draft.newest_run(drill.name)
        if run is not None and run.state in {DrillState.STAGING, DrillState.ADVERTISED}:
            yield drill, run


_NEXT: Mapping[DrillState, DrillState] = {
    DrillState.SYNCING: DrillState.STAGING,
    DrillState.STAGING: DrillState.ADVERTISED,
    DrillState.ADVERTISED: DrillState.VERIFIED,
}
_ENDS: Mapping[DrillState, Callable[[DrillView, DrillRecord, Draft], str]] = {
    DrillState.SYNCING: _is_synced,
    DrillState.STAGING: _is_staged,
    DrillState.ADVERTISED: _is_verified,
}
WAITS: Mapping[DrillState, str] = {
    DrillState.SYNCING: "the catalog is read anew",
    DrillState.STAGING: "distribution points have to hold the scan's content",
    DrillState.ADVERTISED: "computers have to scan",
}
