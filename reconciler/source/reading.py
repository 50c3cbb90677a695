"""Nodes to plain values, without any silent conversion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.model.codes import Code
from reconciler.model.problems import Problem, Severity
from reconciler.source.composing import DEEPEST, FieldPath, place_of
from reconciler.source.scalars import Tag, parse_scalar

LONGEST_SCALAR = 1 << 20
MOST_ALIASED = 10_000
_MERGE = "<<"
_TEXT, _MAPPING, _SEQUENCE = Tag.TEXT.value, Tag.MAPPING.value, Tag.SEQUENCE.value
_TEXTS = frozenset({Tag.TEXT.value, Tag.AMBIGUOUS.value, Tag.AMBIGUOUS_TIME.value})
_SCALARS = frozenset(
    {*_TEXTS, Tag.NULL.value, Tag.BOOLEAN.value, Tag.INTEGER.value, Tag.NUMBER.value}
)
_UNSURE = frozenset({Tag.AMBIGUOUS.value, Tag.AMBIGUOUS_TIME.value})


class _StopReadingError(Exception):
    """Aliases make too much of a document to go on."""


@dataclass(slots=True)
class Reader:
    """Reads one document; what is wrong goes to `problems`, texts to be quoted to `unsure`."""

    path: str
    aliases: bool
    problems: list[Problem] = field(default_factory=list)
    unsure: list[ScalarNode] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)
    _repeated: int = 0

    def read(self, root: Node) -> Any:  # noqa: ANN401  # a manifest's value may be anything
        """Give the document's value; where there are problems it is not whole."""
        try:
            return self._value(root, 1)
        except _StopReadingError:
            return None

    def _value(self, node: Node, depth: int) -> Any:  # noqa: ANN401  # a manifest's value may be anything
        if self.aliases:
            self._count(node, depth)
        if type(node) is ScalarNode:
            return self._scalar(node)
        if type(node) is MappingNode:
            if node.tag != _MAPPING:
                self._foreign(node)
            return self._mapping(node, depth)
        if node.tag != _SEQUENCE:
            self._foreign(node)
        return [self._value(item, depth + 1) for item in node.value]

    def _scalar(self, node: ScalarNode) -> Any:  # noqa: ANN401  # a manifest's value may be anything
        tag, text = node.tag, node.value
        if len(text) > LONGEST_SCALAR:
            self._problem(node, Code.SCALAR_TOO_LONG, "the scalar is longer than 1 MiB")
            return None
        if tag == _TEXT:
            return text
        if tag in _UNSURE:
            self.unsure.append(node)
            return text
        if tag not in _SCALARS:
            self._foreign(node)
            return None
        try:
            return parse_scalar(tag, text)
        except ValueError as error:
            self._problem(node, Code.BAD_YAML, str(error))
            return None

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        first: dict[str, Node] = {}
        for key, value in node.value:
            name = self._key(key)
            if name is None:
                continue
            if name in first:
                line = first[name].start_mark.line + 1
                message = f"the key {name!r:.80} stands twice; the first is in line {line}"
                self._problem(key, Code.DUPLICATE_KEY, message, "remove one of them")
                continue
            first[name] = key
            made[name] = self._value(value, depth + 1)
        return made

    def _key(self, node: Node) -> str | None:
        if not isinstance(node, ScalarNode) or node.tag not in _TEXTS:
            tagged = isinstance(node, ScalarNode) and node.tag not in _SCALARS
            if tagged:
                self._foreign(node)
            else:
                self._problem(node, Code.KEY_NOT_TEXT, "the key is not text", "quote it")
            return None
        if node.value == _MERGE and node.tag == Tag.AMBIGUOUS.value:
            hint = "write the fields out, or use an alias for a whole value"
            self._problem(node, Code.MERGE_KEY, "merge keys are not part of YAML 1.2", hint)
            return None
        if node.tag != _TEXT:
            self.problems.append(ambiguity(self.path, node))
        return str(node.value)

    def _count(self, node: Node, depth: int) -> None:
        """Refuse aliases that make a small text into a large or endless document."""
        if id(node) in self._seen:
            self._repeated += 1
        self._seen.add(id(node))
        if self._repeated > MOST_ALIASED:
            message = f"aliases make more than {MOST_ALIASED:,} nodes"
            self._problem(node, Code.TOO_MANY_ALIASES, message, "write less by aliases")
            raise _StopReadingError
        if depth > DEEPEST + 1:
            message = f"aliases nest the document deeper than {DEEPEST} levels"
            self._problem(node, Code.TOO_DEEP, message)
            raise _StopReadingError

    def _foreign(self, node: Node) -> None:
        message = f"the tag {node.tag!r:.80} is not of the core schema"
        self._problem(node, Code.FOREIGN_TAG, message, "write the value without a tag")

    def _problem(self, node: Node, code: Code, message: str, hint: str = "") -> None:
        at = place_of(self.path, node)
        self.problems.append(Problem(at, code.value, message, hint))


def ambiguity(path: str, node: ScalarNode) -> Problem:
    """Warn of a text that older tools read as something else."""
    return Problem(
        place_of(path, node),
        Code.AMBIGUOUS_SCALAR.value,
        f"{node.value!r:.80} is text here, and something else to tools that read YAML 1.1",
        "quote it",
        Severity.WARNING,
    )


def paths_of(root: Node, wanted: list[ScalarNode]) -> list[tuple[FieldPath, ScalarNode]]:
    """Give the first path that leads to each of the nodes."""
    left = {id(node) for node in wanted}
    found: list[tuple[FieldPath, ScalarNode]] = []
    entered: set[int] = set()
    stack: list[tuple[FieldPath, Node]] = [((), root)]
    while stack and left:
        path, node = stack.pop()
        if id(node) in left and isinstance(node, ScalarNode):
            left.discard(id(node))
            found.append((path, node))
        elif id(node) not in entered:
            entered.add(id(node))
            stack.extend(((*path, step), child) for step, child in _children(node))
    return found


def _children(node: Node) -> list[tuple[str | int, Node]]:
    if isinstance(node, MappingNode):
        return [(key.value, value) for key, value in node.value if isinstance(key, ScalarNode)]
    return list(enumerate(node.value)) if isinstance(node, SequenceNode) else []
