"""Which updates an approval is about: those that were there when it was given (S24)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from reconciler.desired.expansion import ROLLOUT, kind_and_name
from reconciler.desired.policy_scope import Scope, scopes
from reconciler.desired.state import Placed
from reconciler.kinds.authorization import Authorization
from reconciler.model.approvals import ApprovedUpdates
from reconciler.model.canonical import digest_of
from reconciler.model.problems import Location
from reconciler.planning.actions import Action, Cause, Verb
from reconciler.planning.severity_scopes import severity_scopes
from reconciler.planning.world import World


@dataclass(frozen=True, slots=True)
class Approving:
    """The approved updates by authorization, and what is to be remembered or forgotten of it."""

    approved: Mapping[str, frozenset[str]]
    actions: tuple[Action, ...]


def note_approvals(world: World) -> Approving:
    """Hold the updates of each authorization that policies ask approvers for to those approved.

    An approval is about what the group holds in the first plan of the text that was approved;
    what comes later, by the query or by an edit of the group, needs another, unless the group
    approves by itself. Until every source was read once nothing is noted, and nothing comes in.
    What a release holds stays in it.
    """
    bound = world.memo.value("bound to approvals", _ripe(world), partial(_bound, world))
    approved: dict[str, frozenset[str]] = {}
    actions: list[Action] = []
    for name in sorted(bound):
        noted = _note(world, bound[name])
        if noted is not None and noted != world.observed.memory.approved.get((name,)):
            because = f"it is approved for {len(noted.updates)} update(s)"
            actions.append(Action(Verb.NOTE_APPROVED, noted, _cause(bound[name], because)))
        held = noted.updates if noted is not None else ()
        approved[name] = frozenset(held) | _released(world, name)
    return Approving(approved, (*_forgotten(world, bound), *actions))


def _ripe(world: World) -> tuple[int, ...]:
    return tuple(world.ripe(group) for group in world.desired.update_groups)


def _bound(world: World) -> dict[str, Placed[Authorization]]:
    """Give the authorizations for which a policy asks for approvers, by name."""
    if not any(one.document.spec.min_approvers for one in world.desired.policies.values()):
        return {}
    severe = severity_scopes(world.desired, world.observed.catalog, world.now)
    asking = [
        scope
        for scope in (*scopes(world.desired), *severe)
        if scope.policy.document.spec.min_approvers
    ]
    return {
        name: placed
        for name, placed in world.desired.authorizations.items()
        if kind_and_name(name)[0] == ROLLOUT and _is_bound(world, placed, asking)
    }


def _is_bound(world: World, placed: Placed[Authorization], asking: list[Scope]) -> bool:
    group = world.desired.update_groups[placed.document.spec.group].document.spec
    if group.auto_approve:
        return False
    collections = [
        phase.collection
        for rollout in world.desired.rollouts.values()
        if rollout.document.spec.authorization == placed.name
        for phase in rollout.document.spec.phases
    ]
    return any(scope.concerns(placed, collections) for scope in asking)


def _note(world: World, placed: Placed[Authorization]) -> ApprovedUpdates | None:
    """Give what is approved; the former approval while it cannot be told yet."""
    known = world.observed.memory.approved.get((placed.name,))
    document = placed.document
    digest = digest_of(document.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    if known is not None and known.digest == digest:
        return known
    if not (world.observed.fresh and _has_read_all(world)):
        return known
    held = world.group_members(document.spec.group, frozenset())
    return ApprovedUpdates(placed.name, digest, tuple(sorted(held)))


def _has_read_all(world: World) -> bool:
    catalog = world.observed.catalog
    read = catalog.sources
    return catalog.version > 0 and all(
        name in read and read[name].fetched_at is not None for name in world.desired.catalog_sources
    )


def _released(world: World, authorization: str) -> frozenset[str]:
    """Give what releases of the authorization's rollouts hold: it was approved when it came."""
    rollouts = world.desired.rollouts
    found: set[str] = set()
    for release in world.observed.memory.releases.values():
        rollout = rollouts.get(release.rollout)
        if rollout is not None and rollout.document.spec.authorization == authorization:
            found.update(release.ids)
    return frozenset(found)


def _forgotten(world: World, bound: Mapping[str, Placed[Authorization]]) -> Iterator[Action]:
    """Forget approvals that nobody asks for any more; only a complete read says so (S29).

    While the prune guard withholds, an approval stays: its manifest may come back (S23).
    """
    if not world.observed.fresh or world.guard.withholds:
        return
    for (name,), record in sorted(world.observed.memory.approved.items()):
        if name not in bound:
            because = "no policy asks for its approval any more"
            cause = Cause("Authorization", name, Location(""), world.desired.commit, "S24", because)
            yield Action(Verb.FORGET_APPROVED, record, cause)


def _cause(placed: Placed[Authorization], because: str) -> Cause:
    return Cause("Authorization", placed.name, placed.at, placed.changed_in, "S24", because)
