"""Who each phase of a release is for (S12a)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pyroaring import BitMap, FrozenBitMap

from reconciler.model.rollouts import Release
from reconciler.observed.memory import Membership
from reconciler.observed.part import AnyFleet
from reconciler.planning.actions import Verb
from reconciler.planning.draft import Draft
from reconciler.planning.own_deadlines import (
    Terms,
    cap_movers,
    keep_passed,
    terms_of,
    watch_contacts,
)
from reconciler.planning.world import RolloutView, World

Targets = Mapping[str, FrozenBitMap]


def form_targets(rollout: RolloutView, release: Release, draft: Draft) -> Targets:
    """Give every phase its collection less the computers of earlier phases (S12a).

    A computer that an opened phase already has stays there, unless an earlier phase that has
    opened claims it; only those in no opened phase follow the order of the list.
    """
    records = draft.phases_of(release)
    opened = {
        phase.name: draft.memberships.get((release.rollout, release.number, phase.name))
        for phase in rollout.phases
        if phase.name in records
    }
    before = {name: old.members if old else FrozenBitMap() for name, old in opened.items()}
    return rollout.world.memo.sets(
        ("targets", release.rollout, release.number),
        tuple(before),
        lambda fleet: _split(rollout, before, fleet),
        *before.values(),
        *(rollout.world.collections.members(phase.collection) for phase in rollout.phases),
    )


def _split(
    rollout: RolloutView, before: Mapping[str, FrozenBitMap], fleet: AnyFleet
) -> dict[str, BitMap]:
    members = {
        phase.name: fleet.enrolled & rollout.world.collections.members(phase.collection)
        for phase in rollout.phases
    }
    has = {name: members[name] & old for name, old in before.items()}
    settled = BitMap.union(BitMap(), *has.values())
    claimed = BitMap()
    targets: dict[str, BitMap] = {}
    for name, inside in members.items():
        chosen = inside - settled
        if name in has:
            later = BitMap.union(BitMap(), *(has[name] for name in has if name not in targets))
            chosen |= inside & later
        targets[name] = chosen - claimed
        claimed |= targets[name]
    return targets


def remember_targets(
    rollout: RolloutView, release: Release, targets: Targets, draft: Draft
) -> None:
    """Record who entered and who left an opened phase, so that both are known next time."""
    former = {
        name: known
        for name in draft.phases_of(release)
        if (known := draft.memberships.get((release.rollout, release.number, name))) is not None
    }
    for name in sorted(draft.phases_of(release)):
        old = former.get(name)
        if name not in targets:
            if old is not None and not rollout.world.guard.withholds_of(rollout.name):
                gone = rollout.cause("S13", "the phase is no longer in the rollout")
                draft.act(Verb.FORGET_TARGETS, old, gone)
            continue
        new = _membership(rollout.world, release, name, targets[name], old)
        new = _with_deadlines(rollout, new, former, draft)
        if new != old:
            because = _describe(old, new)
            draft.act(Verb.SET_TARGETS, new, rollout.cause("S12a", because, phase=name))


def _membership(
    world: World, release: Release, phase: str, target: FrozenBitMap, old: Membership | None
) -> Membership:
    """Keep when each late one entered; at the opening nobody is late."""
    if old is None:
        return Membership(release.rollout, release.number, phase, target)
    same = ("same target", release.rollout, release.number, phase)
    if world.memo.are_equal(same, old.members, target):
        return old
    entered = old.entered.within(target).at(world.now, target - old.members)
    return replace(old, members=target, entered=entered)


def _with_deadlines(
    rollout: RolloutView, new: Membership, former: Mapping[str, Membership], draft: Draft
) -> Membership:
    """Record what moves a computer's own deadline, and what keeps it from rising (S17)."""
    world, old = rollout.world, former.get(new.phase)
    terms = _terms(rollout, new, draft)
    if terms is not None:
        draft.wake_at(terms.watched_from)
    new = watch_contacts(terms, new, old, world.memo)
    others = (
        (left, membership)
        for name, membership in former.items()
        if name != new.phase and (left := _terms(rollout, membership, draft)) is not None
    )
    came = new.members
    if old is not None:
        came = new.members - old.members if new is not old else FrozenBitMap()
    new = cap_movers(new, came, others, world.by_zone, world.now)
    if terms is None or not terms.local:
        return new
    for zone, _ in world.by_zone(new.members):
        draft.wake_at(terms.due_in(zone))
    return keep_passed(terms, new, world.by_zone, world.now)


def _terms(rollout: RolloutView, membership: Membership, draft: Draft) -> Terms | None:
    """Give the terms of a phase that is still in the rollout."""
    phase = next((one for one in rollout.phases if one.name == membership.phase), None)
    record = draft.phases.get((membership.rollout, membership.release, membership.phase))
    if phase is None or record is None:
        return None
    return terms_of(phase, rollout.placed.document.spec.time_basis, record.opened_at)


def _describe(old: Membership | None, new: Membership) -> str:
    if old is None:
        return f"{len(new.members)} computer(s) are targeted"
    joined, left = len(new.members - old.members), len(old.members - new.members)
    met = len(new.joined.everybody - old.joined.everybody)
    if joined or left:
        return f"{joined} computer(s) joined, {left} left"
    if met:
        return f"{met} computer(s) made their first contact"
    return "what a computer's own deadline depends on is noted"
