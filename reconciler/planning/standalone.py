"""When a standalone has done its work and rollups hold its updates from then on (S20, E3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pyroaring import BitMap

from reconciler.desired.expansion import ROLLOUT
from reconciler.model.rollouts import Release
from reconciler.planning.actions import Verb
from reconciler.planning.census import Census
from reconciler.planning.coverage import not_covered
from reconciler.planning.draft import Draft
from reconciler.planning.phases import make_census
from reconciler.planning.world import RolloutView


def retire_folded(rollout: RolloutView, rollouts: Sequence[RolloutView], draft: Draft) -> None:
    """Retire a standalone's releases once nobody needs them and rollups hold their updates.

    Every phase of every rollout of its authorization has opened for the newest release, somebody
    was targeted, and each one of them that can be reached complies. On stale reads nothing retires,
    since a retired release would go at the next read, whatever that says (S29).
    """
    if not rollout.world.observed.fresh:
        return
    is_standalone = rollout.group.document.spec.type == "standalone"
    withheld = rollout.world.guard.withholds_of(rollout.name)
    if rollout.kind != ROLLOUT or not is_standalone or rollout.is_paused or withheld:
        return
    mine = [other for other in rollouts if _same_authorization(other, rollout)]
    counted = [census for other in mine for census in _newest_counts(other, draft)]
    targeted = BitMap.union(BitMap(), *(census.target for census in counted))
    if not targeted or any(not _all_open(other, draft) for other in mine):
        return
    newest = _newest(rollout, draft)
    offered = newest.offered() if newest is not None else ()
    if any(_needed(census) for census in counted) or not_covered(targeted, offered, rollouts):
        return
    for release in draft.releases_of(rollout.name):
        if not release.retired:
            cause = rollout.cause("S20", "all comply, and rollups hold its updates")
            folded = replace(release, retired=True, folded=True)
            draft.act(Verb.RETIRE_RELEASE, folded, cause)


def _same_authorization(other: RolloutView, rollout: RolloutView) -> bool:
    return other.authorization.name == rollout.authorization.name


def _newest(rollout: RolloutView, draft: Draft) -> Release | None:
    """Give the newest release that is offered, or was until it was folded."""
    releases = draft.releases_of(rollout.name)
    return releases[-1] if releases else None


def _all_open(rollout: RolloutView, draft: Draft) -> bool:
    newest = _newest(rollout, draft)
    if newest is None:
        return False
    opened = draft.phases_of(newest)
    return all(phase.name in opened for phase in rollout.phases)


def _newest_counts(rollout: RolloutView, draft: Draft) -> Iterator[Census]:
    newest = _newest(rollout, draft)
    if newest is None or not newest.offered():
        return
    for phase in rollout.phases:
        census = make_census(rollout, newest, phase, draft)
        if census is not None:
            yield census


def _needed(census: Census) -> BitMap:
    """Give who is not waived, can be reached and does not comply."""
    return BitMap(census.liable - census.unreachable - census.compliant)
