"""Who each phase of a release is for (S12a)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from pyroaring import BitMap, FrozenBitMap

from reconciler.model.rollouts import Release
from reconciler.observed.memo import Identity
from reconciler.observed.memory import Membership
from reconciler.observed.part import AnyFleet
from reconciler.planning.actions import Verb
from reconciler.planning.draft import Draft
from reconciler.planning.world import RolloutView

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
    for name in sorted(draft.phases_of(release)):
        old = draft.memberships.get((release.rollout, release.number, name))
        if name not in targets:
            if old is not None:
                gone = rollout.cause("S13", "the phase is no longer in the rollout")
                draft.act(Verb.FORGET_TARGETS, old, gone)
            continue
        is_same = rollout.world.memo.value(
            ("same target", release.rollout, release.number, name),
            (Identity(old), Identity(targets[name])),
            partial(_is_of, old, targets[name]),
        )
        if not is_same:
            new = _membership(release, name, targets[name], old, rollout.world.now)
            because = _describe(old, new)
            draft.act(Verb.SET_TARGETS, new, rollout.cause("S12a", because, phase=name))


def _is_of(membership: Membership | None, target: FrozenBitMap) -> bool:
    return membership is not None and membership.members == target


def _membership(
    release: Release, phase: str, target: FrozenBitMap, old: Membership | None, now: datetime
) -> Membership:
    """Keep when each late one entered; at the opening nobody is late."""
    if old is None:
        return Membership(release.rollout, release.number, phase, target)
    entered = old.entered.within(target).at(now, target - old.members)
    return replace(old, members=target, entered=entered)


def _describe(old: Membership | None, new: Membership) -> str:
    if old is None:
        return f"{len(new.members)} computer(s) are targeted"
    joined, left = len(new.members - old.members), len(old.members - new.members)
    return f"{joined} computer(s) joined, {left} left"
