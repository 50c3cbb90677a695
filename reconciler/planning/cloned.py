"""Computers that turned out to be two machines with one credential (L3)."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.computers import CLONED, QUARANTINE_FACT
from reconciler.planning.conditions import Condition, ConditionType
from reconciler.planning.world import World

_MOST_NAMED = 100
_MESSAGE = "two machines speak with its credential; nothing is offered to either of them"


def tell_cloned(world: World) -> Iterator[Condition]:
    """Name them, up to a hundred; nothing is offered to them until they enrol anew."""
    fleet = world.observed.fleet
    column = fleet.facts.get(QUARANTINE_FACT)
    found = column.having(CLONED) & fleet.enrolled if column else ()
    names = sorted(fleet.names[ordinal] for ordinal in found)
    for name in names[:_MOST_NAMED]:
        yield Condition(f"Computer/{name}", ConditionType.QUARANTINED, _MESSAGE)
