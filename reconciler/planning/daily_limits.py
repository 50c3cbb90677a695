"""How many computers may be newly targeted within a day (S24)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pyroaring import BitMap, FrozenBitMap

from reconciler.desired.expansion import EMERGENCY
from reconciler.observed.memory import Membership
from reconciler.planning.conditions import ConditionType
from reconciler.planning.draft import Draft
from reconciler.planning.policy_reach import Reach, policy_reaches
from reconciler.planning.world import RolloutView

_DAY = timedelta(days=1)


def limiting(rollout: RolloutView) -> Iterator[tuple[Reach, int]]:
    """Give the policies that limit a change, each with its limit; emergencies wait for none."""
    for reach in policy_reaches(rollout.world):
        most = reach.spec.max_newly_targeted_per_day
        if most is not None and rollout.kind != EMERGENCY and reach.concerns(rollout.name):
            yield reach, most


def exceeds_limits(rollout: RolloutView, target: FrozenBitMap, subject: str, draft: Draft) -> bool:
    """Tell whether a phase may not open yet, since too many are newly targeted within a day (S24).

    Each computer counts once, whichever changes of the policy target it; those of emergencies
    and those who enter opened phases count too.
    """
    held = False
    for reach, most in limiting(rollout):
        new = reach.within(rollout.world, target)
        if not new or len(new | _newly_targeted(rollout, reach, draft)) <= most:
            continue
        held = True
        message = f'its opening waits: policy "{reach.policy}" allows {most} computer(s) in a day'
        if len(new) > most:
            message = (
                f'it targets {len(new)} computer(s), and policy "{reach.policy}" allows {most}'
            )
        draft.tell(subject, ConditionType.TARGETS_LIMITED, message)
    return held


def _newly_targeted(rollout: RolloutView, reach: Reach, draft: Draft) -> BitMap:
    """Give whom the changes of a policy have targeted for less than a day."""
    world, found = rollout.world, BitMap()
    since = world.now - _DAY
    for key, membership in draft.memberships.items():
        record = draft.phases.get(key)
        if record is None or not reach.concerns(membership.rollout):
            continue
        for moment, who in _entries(membership, record.opened_at):
            if moment > since:
                found |= who
                draft.wake_at(moment + _DAY)
    return reach.within(world, found)


def _entries(
    membership: Membership, opened_at: datetime
) -> Iterator[tuple[datetime, BitMap | FrozenBitMap]]:
    yield opened_at, membership.members - membership.entered.everybody
    yield from membership.entered.parts
