"""Which computers tell that their clock is wrong (S1)."""

from __future__ import annotations

from reconciler.model.messages import FactValue
from reconciler.observed.fleet import Fleet
from reconciler.planning.conditions import Condition, ConditionType

_FACT = "clock.skew.minutes"
_TOLERATED_MINUTES = 5


def clock_skews(fleet: Fleet, site: str) -> tuple[Condition, ...]:
    """Say how many clocks are off by more than five minutes."""
    column = fleet.facts.get(_FACT)
    wrong = column.where(_is_wrong) & fleet.enrolled if column is not None else None
    if not wrong:
        return ()
    message = f"the clocks of {len(wrong)} computer(s) are off by more than five minutes"
    return (Condition(f"Site/{site}", ConditionType.CLOCK_SKEW, message),)


def _is_wrong(skew: FactValue) -> bool:
    # Five minutes and some seconds are told as five.
    return isinstance(skew, int) and abs(skew) >= _TOLERATED_MINUTES
