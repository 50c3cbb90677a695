"""Whether a plan is as policies assert (S24)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.desired.expressions import PLAN, parse_expression
from reconciler.desired.state import DesiredState
from reconciler.model.canonical import Json
from reconciler.planning.conditions import Condition, ConditionType


@dataclass(frozen=True, slots=True)
class FailedAssertion:
    """An assertion of a policy that is not true of a plan, or has no answer, and then why."""

    policy: str
    number: int
    text: str
    why: str = ""

    def __str__(self) -> str:
        tail = f": {self.why}" if self.why else ""
        return f"assertion {self.number + 1} is not true of the plan{tail}"

    def condition(self) -> Condition:
        """Say so of the policy."""
        return Condition(f"Policy/{self.policy}", ConditionType.ASSERTION_FAILED, str(self))


def asks_assertions(desired: DesiredState) -> bool:
    """Tell whether a policy asserts anything; without one nothing is loaded."""
    return any(placed.document.spec.assertions for placed in desired.policies.values())


def failed_assertions(desired: DesiredState, plan: Json) -> tuple[FailedAssertion, ...]:
    """Give the assertions that are not true of a plan, as `plan -o json` writes it.

    All of them together have one bound, so that no policy makes planning slow.
    """
    # The library takes half a second to come up, and most sites have no assertion.
    from reconciler.planning.cel import Budget, UnansweredError, as_cel, is_true  # noqa: PLC0415

    budget, variables = Budget(), as_cel({PLAN: plan})

    def failing() -> Iterator[FailedAssertion]:
        for name, placed in desired.policies.items():
            for number, text in enumerate(placed.document.spec.assertions):
                try:
                    if not is_true(parse_expression(text), variables, budget):
                        yield FailedAssertion(name, number, text)
                except UnansweredError as error:
                    yield FailedAssertion(name, number, text, str(error))

    return tuple(failing())
