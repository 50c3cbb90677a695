"""YAML text to nodes that know their places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.model.problems import Location
from reconciler.source.scalars import Tag, tag_of

DEEPEST = 64
FieldPath = tuple[str | int, ...]
_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_TEXT, _MAPPING, _SEQUENCE = Tag.TEXT.value, Tag.MAPPING.value, Tag.SEQUENCE.value


class TooDeepError(yaml.MarkedYAMLError):
    """A document is nested deeper than allowed."""


class CoreLoader(yaml.CSafeLoader):
    """Composes by the YAML 1.2 core schema.

    The parser recurses without a limit of its own and would take the process down, so depth
    is counted on the way.
    """

    _depth = 0

    def descend_resolver(self, current_node: Node | None, current_index: object) -> None:
        """Count one level more; the last one may hold scalars only."""
        del current_index
        self._depth += 1
        if self._depth > DEEPEST + 1:
            mark = current_node.start_mark if current_node is not None else None
            raise TooDeepError(problem="nested too deep", problem_mark=mark)

    def ascend_resolver(self) -> None:
        """Count one level less."""
        self._depth -= 1

    def resolve(self, kind: type[Node], value: str | None, implicit: tuple[bool, bool]) -> str:
        """Give the tag of a node that has none of its own."""
        if kind is ScalarNode:
            return tag_of(value or "") if implicit[0] else _TEXT
        return _MAPPING if kind is MappingNode else _SEQUENCE


def compose(text: str) -> Iterator[Node]:
    """Yield the root node of each document that is not empty; raises yaml.YAMLError."""
    loader = CoreLoader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None and not is_empty(node):
                yield node
    finally:
        loader.dispose()


def is_empty(node: Node) -> bool:
    """Tell whether a document holds nothing at all; a written `null` is something."""
    return isinstance(node, ScalarNode) and node.tag == Tag.NULL.value and not node.value


def place_of(path: str, node: Node) -> Location:
    """Give where a node begins, counted from 1."""
    return Location(path, node.start_mark.line + 1, node.start_mark.column + 1)


def key_and_value(node: MappingNode, name: object) -> tuple[Node, Node] | None:
    """Give the nodes of a mapping's key and value."""
    return next(
        (
            (key, value)
            for key, value in node.value
            if isinstance(key, ScalarNode) and key.value == name
        ),
        None,
    )


def find(root: Node, field: FieldPath, *, at_key: bool = False) -> Node:
    """Give the node of a field, or of its nearest ancestor.

    Names and numbers that are not there are passed over, so that paths of validators, which
    name their own steps, lead to the same place. `at_key` gives the last key itself.
    """
    node, key = root, root
    for step in field:
        if isinstance(node, MappingNode):
            found = key_and_value(node, step)
            key, node = found if found is not None else (node, node)
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            key = node = node.value[step]
    return key if at_key else node


class SourceFile:
    """A file's text, whose places are found on demand, one document at a time, and then kept."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self._text = text
        self._begins: list[tuple[int, int]] = []
        self._roots: dict[int, tuple[Node, int]] = {}

    def compose(self) -> Iterator[Node]:
        """Yield the root node of each document, and remember where it begins."""
        for root in compose(self._text):
            mark = root.start_mark
            self._begins.append((mark.index - mark.column, mark.line))
            yield root

    def locate(self, number: int, field: FieldPath) -> Location:
        """Give the place of a field in the numbered document; without a field, its beginning."""
        if number not in self._roots:
            self._roots[number] = self._compose_one(number)
        root, line = self._roots[number]
        at = place_of(self.path, find(root, field))
        return Location(self.path, at.line + line, at.column)

    def _compose_one(self, number: int) -> tuple[Node, int]:
        """Compose one document from the first of its lines, and give the lines before it."""
        begin, line = self._begins[number]
        following = _MARKER.search(self._text, begin + 1)
        end = following.start() if following else len(self._text)
        try:
            return next(compose(self._text[begin:end])), line
        except yaml.YAMLError:
            # A %TAG directive stands above the document, which means nothing without it.
            return next(islice(compose(self._text), number, None)), 0
