"""YAML text to nodes that know their places."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.model.codes import Code
from reconciler.model.problems import Location
from reconciler.source.scalars import Tag, tag_of

DEEPEST = 64
MOST_NODES = 500_000
MOST_DOCUMENTS = 50_000
_MOST_KEPT = 1 << 20
FieldPath = tuple[str | int, ...]
_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_NON_SPECIFIC = re.compile(r"!(?=\s|\Z)")
_NON_SPECIFIC_FIRST = re.compile(r"(?:&\S+\s+(?:#.*\s+)*)?!(?=\s|\Z)")
_TEXT, _MAPPING, _SEQUENCE = Tag.TEXT.value, Tag.MAPPING.value, Tag.SEQUENCE.value


class LimitError(yaml.MarkedYAMLError):
    """A document is nested deeper, or there is more of it or of them, than allowed."""

    def __init__(self, code: Code, message: str, hint: str, mark: yaml.Mark | None) -> None:
        super().__init__(problem=message, problem_mark=mark)
        self.code = code
        self.hint = hint


class CoreLoader(yaml.CSafeLoader):
    """Composes by the YAML 1.2 core schema.

    The parser recurses without a limit of its own and would take the process down, so depth
    is counted on the way, and so are nodes, each of which takes a hundred times its text.
    """

    nodes = 0
    _depth = 0

    def descend_resolver(self, current_node: Node | None, current_index: object) -> None:
        """Count one node and one level more; the last level may hold scalars only."""
        del current_index
        self.nodes += 1
        self._depth += 1
        if self._depth > DEEPEST + 1 or self.nodes > MOST_NODES:
            mark = current_node.start_mark if current_node is not None else None
            raise self._limit(mark)

    def _limit(self, mark: yaml.Mark | None) -> LimitError:
        if self._depth > DEEPEST + 1:
            message = f"the document is nested deeper than {DEEPEST} levels"
            return LimitError(Code.TOO_DEEP, message, "nest it less", mark)
        message = f"the document has more than {MOST_NODES:,} keys and values"
        hint = "make several documents of it; computers may stand in a table (CollectionSet)"
        return LimitError(Code.TOO_MANY_NODES, message, hint, mark)

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
    non_specific = _NON_SPECIFIC.search(text) is not None
    found = 0
    try:
        while loader.check_node():
            loader.nodes = 0
            node = loader.get_node()
            if node is None or is_empty(node):
                continue
            found += 1
            if found > MOST_DOCUMENTS:
                message = f"the file has more than {MOST_DOCUMENTS:,} documents"
                mark = node.start_mark
                raise LimitError(Code.TOO_MANY_DOCUMENTS, message, "split it", mark)
            if non_specific:
                _mend_tags(node, text)
            yield node
    finally:
        loader.dispose()


def _mend_tags(root: Node, text: str) -> None:
    """Make text of what is tagged `!`, as YAML 1.2 has it; the parser takes it for untagged."""
    for node in scalars(root):
        if node.tag != _TEXT and _NON_SPECIFIC_FIRST.match(text, node.start_mark.index):
            node.tag = _TEXT


def scalars(root: Node) -> Iterator[ScalarNode]:
    """Give every scalar once, however often aliases repeat it."""
    stack: list[Node] = [root]
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, ScalarNode):
            yield node
        elif isinstance(node, MappingNode):
            stack.extend(part for pair in node.value for part in pair)
        else:
            stack.extend(node.value)


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


@dataclass(frozen=True, slots=True)
class _Composed:
    """A document's root node, the lines above what it was composed from, and its size."""

    root: Node
    lines: int
    size: int


class Places:
    """The nodes of the documents that were asked for last, as many as 1 MiB of text makes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], _Composed] = OrderedDict()
        self._size = 0

    def find(self, key: tuple[str, int], make: Callable[[], _Composed]) -> _Composed:
        """Give what is kept under the key, else make and keep it."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = self._kept[key] = make()
        self._size += made.size
        while self._size > _MOST_KEPT and len(self._kept) > 1:
            self._size -= self._kept.popitem(last=False)[1].size
        return made


class SourceFile:
    """A file's text, whose places are found on demand, one document at a time."""

    def __init__(self, path: str, text: str, places: Places) -> None:
        self.path = path
        self._text = text
        self._begins: list[tuple[int, int]] = []
        self._ends: list[tuple[int, int]] = [(0, 0)]
        self._places = places

    def compose(self) -> Iterator[Node]:
        """Yield the root node of each document, and remember where it begins."""
        for root in compose(self._text):
            mark, end = root.start_mark, root.end_mark
            self._begins.append((mark.index - mark.column, mark.line))
            self._ends.append((end.index, end.line))
            yield root

    def locate(self, number: int, field: FieldPath) -> Location:
        """Give the place of a field in the numbered document; without a field, its beginning."""
        found = self._places.find((self.path, number), lambda: self._compose_one(number))
        at = place_of(self.path, find(found.root, field))
        return Location(self.path, at.line + found.lines, at.column)

    def _compose_one(self, number: int) -> _Composed:
        """Compose one document from the first of its lines, and give the lines before it."""
        begin, line = self._begins[number]
        following = _MARKER.search(self._text, begin + 1)
        end = following.start() if following else len(self._text)
        try:
            root = next(compose(self._text[begin:end]))
        except yaml.YAMLError:
            # A %TAG directive stands above the document, which means nothing without it.
            begin, line = self._ends[number]
            root = next(compose(self._text[begin:end]))
        return _Composed(root, line, end - begin)
