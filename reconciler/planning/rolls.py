"""What a plan remembers of the collections, and tells of those that are held."""

from __future__ import annotations

from reconciler.desired.state import Placed
from reconciler.kinds.collection import Collection
from reconciler.model.problems import Location
from reconciler.observed.rolls import LOOK_BACK, CollectionRoll
from reconciler.planning.actions import Action, Cause, Verb
from reconciler.planning.conditions import ConditionType
from reconciler.planning.draft import Draft
from reconciler.planning.holds import Change, Verdict
from reconciler.planning.world import World


def keep_rolls(world: World, draft: Draft) -> None:
    """Write down each membership in force, so that the next plan can measure against it (S7)."""
    rolls = world.observed.memory.rolls
    for name, placed in world.desired.collections.items():
        verdict = world.collections.verdict(name)
        if verdict.roll != rolls.get((name,)):
            draft.actions.append(_remember(placed, verdict, rolls.get((name,))))
        if verdict.held is not None:
            _tell(placed, verdict.roll, verdict.held, draft)


def forget_rolls(world: World, draft: Draft) -> None:
    """Forget collections that left git: only a complete read of it says so (S29)."""
    if not world.observed.fresh or world.guard.withholds:
        return
    for (name,), roll in sorted(world.observed.memory.rolls.items()):
        if name not in world.desired.collections:
            commit, because = world.desired.commit, "its manifest left git"
            cause = Cause("Collection", name, Location(""), commit, "S7", because)
            draft.actions.append(Action(Verb.FORGET_MEMBERS, roll, cause))


def _remember(placed: Placed[Collection], verdict: Verdict, known: CollectionRoll | None) -> Action:
    roll = verdict.roll
    verb = Verb.ACCEPT_MEMBERS if verdict.held is None else Verb.HOLD_MEMBERS
    cause = Cause(
        "Collection", placed.name, placed.at, placed.changed_in, "S7", _describe(verdict, known)
    )
    return Action(verb, roll, cause)


def _describe(verdict: Verdict, known: CollectionRoll | None) -> str:
    members = verdict.roll.members
    if known is None:
        return f"{len(members)} computer(s) are in it"
    if verdict.held is not None:
        return "a large change waits for a commit"
    joined, left = len(members - known.members), len(known.members - members)
    touched = "" if known.digest == verdict.roll.digest else "a commit touched it; "
    return f"{touched}{joined} computer(s) joined, {left} left"


def _tell(placed: Placed[Collection], roll: CollectionRoll, held: Change, draft: Draft) -> None:
    share = placed.document.spec.max_change
    message = (
        f"{held.joined} would join and {held.left} leave of {held.size}, more than maxChange"
        f" {float(share * 100):.4g}%; the {len(roll.members)} in force stay"
    )
    draft.tell(f"Collection/{placed.name}", ConditionType.HELD, message)
    for moment, _ in roll.flips:
        draft.wake_at(moment + LOOK_BACK)
