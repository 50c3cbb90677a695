"""Manifests in one layout: fields in the kind's order, and texts quoted that YAML 1.1 misreads.

Every step is undone unless the file means the same after it and has the same comments: what
cannot be done safely is left alone, and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from reconciler.kinds.base import Metadata, Model
from reconciler.kinds.registry import KINDS
from reconciler.model.codes import Code
from reconciler.model.gathering import Gathered
from reconciler.model.problems import Location, Problem, Severity
from reconciler.source.block_order import CannotOrderError, is_ordered, reorder
from reconciler.source.comments import comments_in, lines_of
from reconciler.source.composing import key_and_value, place_of, scalars
from reconciler.source.documents import RawDocument, parse_documents
from reconciler.source.load import texts_to_quote
from reconciler.source.parts import document_bounds, marker_after

_BOM = "\ufeff"
_ANCHOR = re.compile(r"(?:&[^ ]+ +)?")
_TOP = ("apiVersion", "kind", "metadata", "spec")


@dataclass(slots=True)
class _Part:
    """One document on its way: its text now, how that reads, and what was left alone."""

    path: str
    first_line: int
    text: str
    read: _Read = field(init=False)
    comments: list[str] = field(init=False)
    left: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.read, self.comments = _read(self.path, self.text), comments_in(self.text)

    def try_text(self, text: str) -> bool:
        """Take a new text over where it means the same and has the same comments."""
        try:
            read = _read(self.path, text)
            same = read.meaning == self.read.meaning and comments_in(text) == self.comments
        except (yaml.YAMLError, _UnsoundError):
            return False
        if same:
            self.text, self.read = text, read
        return same

    def leave(self, node: Node, what: str, why: str) -> None:
        """Say that something was left alone, and where it stood."""
        at = place_of(self.path, node)
        at = Location(at.path, at.line + self.first_line, at.column)
        message = f"{what} is left as it is: {why}"
        self.left.append(Problem(at, Code.LEFT_ALONE.value, message, severity=Severity.NOTE))


class _UnsoundError(Exception):
    """A text that was put together anew is not sound."""


def format_manifests(path: str, content: bytes) -> tuple[bytes, tuple[Problem, ...]]:
    """Give the file's new content, and what was left alone; a file with errors is as it was."""
    errors = Gathered()
    errors.extend(one for one in _problems(path, content) if one.is_error)
    if errors.problems:
        return content, errors.told()
    whole = content.decode("utf-8")
    text = whole.removeprefix(_BOM)
    made: list[str] = []
    left = Gathered()
    lines = lines_of(text)
    for first, end in pairwise(document_bounds(text, lines)):
        formatted, told = _format_one(path, first, "".join(lines[first:end]))
        made.append(formatted)
        left.extend(told)
    return (whole[: len(whole) - len(text)] + "".join(made)).encode(), left.told()


def _problems(path: str, content: bytes) -> Iterator[Problem]:
    return (one for one in parse_documents(path, content) if isinstance(one, Problem))


def _format_one(path: str, first_line: int, text: str) -> tuple[str, list[Problem]]:
    try:
        part = _Part(path, first_line, text)
    except (yaml.YAMLError, _UnsoundError):
        at, why = Location(path, first_line + 1, 1), "it cannot be read apart from the others"
        message = f"the document is left as it is: {why}"
        return text, [Problem(at, Code.LEFT_ALONE.value, message, severity=Severity.NOTE)]
    if len(part.read.documents) != 1:
        return text, []
    if not text.endswith("\n"):
        part.try_text(text + ("\r\n" if "\r\n" in text else "\n"))
    _quote(part)
    for name in ("spec", "metadata", None):
        _order(part, name)
    return part.text, part.left


def _quote(part: _Part) -> None:
    """Quote what `validate` warns of, all at once, from the end on so that places stay right."""
    document = part.read.documents[0]
    wanted = {*part.read.doubtful, *texts_to_quote(document)}
    if not wanted:
        return
    found = {place_of(part.path, node): node for node in scalars(document.root)}
    pieces: list[str] = []
    rest = len(part.text)
    quoted: list[ScalarNode] = []
    for at in sorted(wanted, reverse=True):
        node = found[at]
        end = node.end_mark.index
        begin = end - len(node.value)
        before = part.text[node.start_mark.index : begin]
        if part.text[begin:end] != node.value or not _ANCHOR.fullmatch(before):
            part.leave(node, f"{node.value!r:.80}", "it cannot be quoted in its place")
            continue
        pieces += [part.text[end:rest], f'"{node.value}"']
        rest = begin
        quoted.append(node)
    if quoted and not part.try_text(part.text[:rest] + "".join(reversed(pieces))):
        part.leave(quoted[-1], "the quoting", "the document would not mean the same")


def _order(part: _Part, name: str | None) -> None:
    """Put one mapping of a document in order: the document itself, its metadata or its spec."""
    root = part.read.documents[0].root
    if not isinstance(root, MappingNode):
        return
    node = _child(root, name)
    order = _field_order(part.read.meaning[0], name)
    if not isinstance(node, MappingNode) or not node.value or not order:
        return
    what = f"the order of {name or 'the document'}"
    lines = lines_of(part.text)
    try:
        if is_ordered(node, order):
            return
        end = _end_of(lines, root, name)
        made = "".join(reorder(lines, node, order, end, headed=name is None))
    except CannotOrderError as error:
        part.leave(node, what, str(error))
        return
    if not part.try_text(made):
        part.leave(node, what, "the document would not mean the same")


def _child(root: MappingNode, name: str | None) -> Node | None:
    if name is None:
        return root
    found = key_and_value(root, name)
    return found[1] if found is not None else None


def _end_of(lines: list[str], root: MappingNode, name: str | None) -> int:
    """Give the line after a mapping: where the next field or the end of the document is."""
    for (key, _), (following, _) in pairwise(root.value):
        if name is not None and key.value == name:
            return int(following.start_mark.line)
    return marker_after(lines, root.start_mark.line, ("---", "..."))


def _field_order(meaning: object, name: str | None) -> Sequence[str]:
    """Give the names in order; nothing where the kind's spec is not one known set of fields."""
    if name is None:
        return _TOP
    if name == "metadata":
        return _aliases(Metadata)
    kind = meaning.get("kind") if isinstance(meaning, dict) else None
    document = KINDS.get(kind) if isinstance(kind, str) else None
    if document is None:
        return ()
    spec: object = document.model_fields["spec"].annotation
    return _aliases(spec) if isinstance(spec, type) and issubclass(spec, Model) else ()


def _aliases(model: type[Model]) -> tuple[str, ...]:
    return tuple(str(one.alias) for one in model.model_fields.values())


@dataclass(frozen=True, slots=True)
class _Read:
    """The documents of a text, and the places of keys that YAML 1.1 reads otherwise."""

    documents: tuple[RawDocument, ...]
    doubtful: frozenset[Location]

    @property
    def meaning(self) -> list[object]:
        """The documents' values."""
        return [one.data for one in self.documents]


def _read(path: str, text: str) -> _Read:
    """Read a text; raises _UnsoundError."""
    read = list(parse_documents(path, text.encode()))
    problems = [one for one in read if isinstance(one, Problem)]
    if any(problem.is_error for problem in problems):
        raise _UnsoundError
    documents = tuple(one for one in read if isinstance(one, RawDocument))
    return _Read(documents, frozenset(problem.at for problem in problems))
