"""Removals that something else undoes (I4)."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.aims import Aim
from reconciler.planning.conditions import ConditionType
from reconciler.planning.draft import Draft
from reconciler.planning.world import RolloutView


def tell_installed_again(rollouts: Sequence[RolloutView], draft: Draft) -> None:
    """Say which removals take off what others offer, who would install it again."""
    in_force = [one for one in rollouts if one.in_force]
    for removal in in_force:
        if removal.aim is not Aim.REMOVE:
            continue
        others = sorted(
            other.subject
            for other in in_force
            if other.aim is not Aim.REMOVE and not removal.authorized.isdisjoint(other.authorized)
        )
        if others:
            message = f"{', '.join(others)} offers updates of it, and installs them again"
            draft.tell(removal.subject, ConditionType.INSTALLED_AGAIN, message)
