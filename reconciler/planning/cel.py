"""CEL expressions over JSON, evaluated within bounds that no machine's speed moves.

The library's evaluator is used with its logical operators replaced: they look at both sides
always, and an error that meets an error there writes both out, twice as long each time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import cast

from celpy.adapter import json_to_cel
from celpy.celtypes import BoolType, ListType, MapType
from celpy.evaluation import (
    Activation,
    CELEvalError,
    CELSyntaxError,
    CELUnsupportedError,
    Context,
    Evaluator,
    Result,
)

from reconciler.desired.expressions import Expression
from reconciler.model.canonical import Json

MOST_STEPS = 500_000
_LARGEST = 1_000_000
_UNITS_A_STEP = 64
_STEPS_OF_ERROR = 50
_LONGEST_REASON = 120
_COMPARES_WHOLE = frozenset({"relation_eq", "relation_ne", "relation_in"})

# It writes whole values into its log.
logging.getLogger("celpy").addHandler(logging.NullHandler())
logging.getLogger("celpy").propagate = False


class UnansweredError(Exception):
    """An expression is neither true nor false of a value; the message says why."""


class Budget:
    """Steps that are left to expressions; a large value costs more than one."""

    def __init__(self, steps: int = MOST_STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Take steps; raises UnansweredError where none are left."""
        self.left -= steps
        if self.left < 0:
            message = "it takes too many steps"
            raise UnansweredError(message)

    def weigh(self, value: object) -> None:
        """Charge for a value that came out of a step; raises UnansweredError for a huge one."""
        if isinstance(value, str | bytes | list | dict):
            if len(value) > _LARGEST:
                message = "it makes a value that is too large"
                raise UnansweredError(message)
            self.spend(len(value) // _UNITS_A_STEP)

    def compare(self, value: object) -> None:
        """Charge for all that is within a value, which a comparison may look at."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, list | dict):
                self.spend(len(one))
                waiting += one.values() if isinstance(one, dict) else one


def as_cel(value: dict[str, Json]) -> Context:
    """Give a JSON mapping as the variables of expressions."""
    return {name: json_to_cel(one) for name, one in value.items()}


def is_true(expression: Expression, variables: Context, budget: Budget) -> bool:
    """Tell whether an expression holds; raises UnansweredError where it is no yes or no."""
    try:
        found = _Bounded(expression, Activation(), budget).evaluate(variables)
    except RecursionError as error:
        message = "it is nested too deep"
        raise UnansweredError(message) from error
    except (CELEvalError, CELSyntaxError, CELUnsupportedError) as error:
        raise UnansweredError(_reason(error)) from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What the library lets through where an operator does not fit its operands.
        message = "an operation does not fit its values"
        raise UnansweredError(message) from error
    if not isinstance(found, BoolType):
        message = "it gives a value, not true or false"
        raise UnansweredError(message)
    return bool(found)


class _Bounded(Evaluator):
    """The library's evaluator, whose every step is charged."""

    def __init__(self, ast: Expression, activation: Activation, budget: Budget) -> None:
        super().__init__(ast, activation)
        self._budget = budget

    def sub_evaluator(self, ast: Expression) -> Evaluator:
        return _Bounded(ast, self.activation, self._budget)

    def visit(self, tree: Expression) -> Result:
        self._budget.spend(1)
        return self._weighed(cast("Result", super().visit(tree)))

    def visit_children(self, tree: Expression) -> list[Result]:
        self._budget.spend(1)
        found = [self._weighed(one) for one in super().visit_children(tree)]
        if tree.data in _COMPARES_WHOLE:
            self._budget.compare(found[0])
        return found

    def conditionalor(self, tree: Expression) -> Result:
        return self._logical(tree, until=True)

    def conditionaland(self, tree: Expression) -> Result:
        return self._logical(tree, until=False)

    def member_dot_arg(self, tree: Expression) -> Result:
        macro = str(tree.children[1])
        if macro not in {"all", "exists"}:
            return cast("Result", super().member_dot_arg(tree))
        items = self.visit(cast("Expression", tree.children[0]))
        if not isinstance(items, ListType | MapType):
            return _fault(items, f"{macro} is asked of no list")
        verdicts = map(self.build_ss_macro_eval(tree), items)
        return _settle(verdicts, until=macro == "exists")

    def _weighed(self, value: Result) -> Result:
        if isinstance(value, CELEvalError):
            self._budget.spend(_STEPS_OF_ERROR)
            return CELEvalError(_reason(value))
        self._budget.weigh(value)
        return value

    def _logical(self, tree: Expression, *, until: bool) -> Result:
        if len(tree.children) == 1:
            return self.visit_children(tree)[0]
        return _settle((self.visit(cast("Expression", one)) for one in tree.children), until=until)


def _settle(verdicts: Iterable[Result], *, until: bool) -> Result:
    """Give the verdict that settles the rest; else the first fault, else the other verdict."""
    fault = None
    for one in verdicts:
        if isinstance(one, BoolType):
            if bool(one) is until:
                return one
        elif fault is None:
            fault = _fault(one, "what is asked is neither true nor false")
    return BoolType(not until) if fault is None else fault


def _fault(value: Result, otherwise: str) -> CELEvalError:
    return value if isinstance(value, CELEvalError) else CELEvalError(otherwise)


def _reason(error: Exception) -> str:
    said = str(error.args[0] if error.args else type(error).__name__)
    if "overload" in said:
        return "an operation does not fit its values"
    return said[:_LONGEST_REASON]
