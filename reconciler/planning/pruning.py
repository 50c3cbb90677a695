"""The prune guard: a careless deletion in git takes nothing from the fleet (S23)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from reconciler.desired.expansion import is_held
from reconciler.model.grants import SpentGrant
from reconciler.model.objects import Advertisement, Package
from reconciler.model.problems import Location
from reconciler.observed.memory import DerivedObject
from reconciler.planning.actions import Action, Cause, Verb
from reconciler.planning.conditions import ConditionType
from reconciler.planning.draft import Draft
from reconciler.planning.objects import Wanted
from reconciler.planning.world import World


def spend_grant(world: World, draft: Draft) -> None:
    """Use a grant up with the plan that needs it, and forget used ones that are out of reach."""
    guard = world.guard
    if guard.is_tripped and guard.grant is not None:
        grant = guard.grant
        spent = SpentGrant(grant.commit, grant.number, world.desired.commit)
        because = f"{len(guard.missing)} advertisement(s) may retire by its trailer"
        draft.actions.append(Action(Verb.SPEND_GRANT, spent, _cause(world, because)))
    granted = {grant.commit for grant in world.desired.grants}
    for (commit,), used in sorted(world.observed.memory.grants.items()):
        if commit not in granted and used.applied != world.desired.commit:
            because = "a later commit is in force"
            draft.actions.append(Action(Verb.FORGET_GRANT, used, _cause(world, because)))


def tell_withheld(world: World, draft: Draft) -> None:
    """Say `PruneBlocked`, and how to go on."""
    guard = world.guard
    if guard.withholds:
        count, live = len(guard.missing), len(world.observed.memory.advertisements)
        message = (
            f"{count} of {live} advertisement(s) are missing from git and held, not retired;"
            f" bring their manifests back, or commit with the trailer Allow-Prune: {count}"
        )
        subject = f"Site/{world.site.name}"
        draft.tell(subject, ConditionType.PRUNE_BLOCKED, message)


def withheld(world: World) -> Iterator[Wanted]:
    """Give what stays although git lacks it: the advertisements held, the rest as it is."""
    for record in _kept(world) if world.guard.withholds else ():
        yield Wanted(record, partial(_left_git, world, record))


def _kept(world: World) -> Iterator[DerivedObject]:
    memory, missing = world.observed.memory, world.guard.missing
    offered = {(offer.package, offer.version) for offer in missing}
    kept = {
        key
        for key, package in memory.packages.items()
        if key in offered or not is_held(world.desired, package.rollout)
    }
    yield from (memory.packages[key] for key in sorted(kept))
    yield from (one for key, one in sorted(memory.assignments.items()) if key[:2] in kept)
    yield from (one for key, one in sorted(memory.programs.items()) if key[:2] in kept)
    yield from (replace(offer, held=True) for offer in missing)


def _left_git(world: World, record: DerivedObject) -> Cause:
    if isinstance(record, Package | Advertisement):
        return world.left_git(record.rollout, "S23")
    return _cause(world, "what needs it left git, and is withheld")


def _cause(world: World, because: str) -> Cause:
    commit = world.desired.commit
    return Cause("Site", world.site.name, Location(""), commit, "S23", because)
