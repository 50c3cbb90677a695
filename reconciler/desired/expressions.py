"""Assertions of policies: CEL over a plan, checked for what can be told without one (S24)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from lark import Token, Tree

Expression = Tree[Token]
PLAN = "plan"
LONGEST_EXPRESSION = 2_000
_DEEPEST = 150
_MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
_WITH_ARGUMENTS = ("ident_arg", "dot_ident_arg")
_BARE = ("ident", "dot_ident")


class ExpressionError(ValueError):
    """The text is no expression over a plan; the message says why."""


@lru_cache(maxsize=256)
def parse_expression(text: str) -> Expression:
    """Read a CEL expression whose only name is `plan`; raises ExpressionError.

    Names and functions are looked at here, so that a mistyped one is told with the manifests and
    not when the first plan is made. What only this library adds to CEL is not known.
    """
    # The library takes half a second to come up, and most sites have no assertion.
    import celpy  # noqa: PLC0415
    from celpy.celparser import CELParseError  # noqa: PLC0415
    from celpy.evaluation import base_functions  # noqa: PLC0415

    if len(text) > LONGEST_EXPRESSION:
        message = f"it is longer than {LONGEST_EXPRESSION:,} characters"
        raise ExpressionError(message)
    try:
        tree = celpy.Environment().compile(text)
    except CELParseError as error:
        message = f"it is no CEL: the fault is in line {error.line}, column {error.column}"
        raise ExpressionError(message) from error
    fault = next(_faults(tree, frozenset(base_functions)), "")
    if fault:
        raise ExpressionError(fault)
    return tree


def _faults(tree: Expression, functions: frozenset[str]) -> Iterator[str]:
    if _depth(tree) > _DEEPEST:
        yield "it is nested too deep"
    methods = [(str(call.children[1]), call) for call in tree.find_data("member_dot_arg")]
    variables = {_variable_of(call) for name, call in methods if name in _MACROS}
    if "" in variables:
        yield f"{', '.join(sorted(_MACROS))} take the name of a variable and an expression"
    called = {name for name, _ in methods} - _MACROS
    called |= set(_names(tree, *_WITH_ARGUMENTS)) - {"has", "dyn"}
    for name in sorted(called - functions):
        yield f"it calls {name!r:.60}, which CEL does not have"
    for name in sorted(set(_names(tree, *_BARE)) - functions - variables - {PLAN}):
        yield f"it names {name!r:.60}, and knows only {PLAN}"
    if next(tree.find_data("member_object"), None) is not None:
        yield "it makes an object, of which none is known"


def _names(tree: Expression, *forms: str) -> Iterator[str]:
    return (str(node.children[0]) for form in forms for node in tree.find_data(form))


def _variable_of(call: Expression) -> str:
    """Give the name that a macro binds, its first argument of two; nothing where there is none."""
    _, _, *rest = call.children
    arguments = rest[0].children if rest and isinstance(rest[0], Tree) else []
    first = arguments[0] if len(arguments) == len(("variable", "expression")) else None
    if not isinstance(first, Tree):
        return ""
    words = [str(token) for token in first.scan_values(lambda one: isinstance(one, Token))]
    is_name = next(first.find_data("ident"), None) is not None
    return words[0] if is_name and len(words) == 1 else ""


def _depth(tree: Expression) -> int:
    deepest, waiting = 0, [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(child, depth + 1) for child in node.children if isinstance(child, Tree)]
    return deepest
