"""A chain of causes: what was asked, in order, until the first that holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.reasons import PhaseReason, Reason
from reconciler.planning.actions import Cause


@dataclass(frozen=True, slots=True)
class Step:
    """One question with its answer; `reason` is set where it is this that holds.

    `evidence` says what was found and `at` how old that is. `rule` is the manifest's place that
    decides, where one does; `until` the instant at which time alone ends it.
    """

    asks: str
    evidence: str
    reason: Reason | PhaseReason | None = None
    at: datetime | None = None
    rule: Cause | None = None
    until: datetime | None = None


Chain = tuple[Step, ...]
"""Steps in order; only the last may hold."""


def until_one_holds(steps: Iterable[Step]) -> Chain:
    """Take steps up to the first that holds, and ask no further."""
    taken: list[Step] = []
    for step in steps:
        taken.append(step)
        if step.reason is not None:
            break
    return tuple(taken)
