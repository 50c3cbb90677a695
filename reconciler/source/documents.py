"""The text of a file to documents with places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from reconciler.model.codes import Code
from reconciler.model.problems import Location, Problem
from reconciler.source.composing import (
    FieldPath,
    LimitError,
    Places,
    SourceFile,
    find,
    place_of,
)
from reconciler.source.reading import Reader

LARGEST_FILE = 4 << 20
HIDES_NAMES = frozenset(
    code.value
    for code in (
        Code.FILE_TOO_LARGE,
        Code.NOT_UTF8,
        Code.BAD_YAML,
        Code.TOO_DEEP,
        Code.TOO_MANY_ALIASES,
        Code.TOO_MANY_NODES,
        Code.TOO_MANY_DOCUMENTS,
    )
)
"""Problems behind which there may be documents whose names nobody knows."""
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document that is a mapping.

    `number` counts the documents of the file that are not empty; `unsure` are its texts that
    YAML 1.1 reads otherwise. One that is not sound is there for its name only.
    """

    source: SourceFile
    number: int
    root: Node
    data: dict[str, Any]
    unsure: tuple[ScalarNode, ...]
    is_sound: bool = True

    @property
    def path(self) -> str:
        """The file's path."""
        return self.source.path

    def locate(self, field: FieldPath, *, at_key: bool = False) -> Location:
        """Give the place of a field's value or key, or of its nearest ancestor."""
        return place_of(self.path, find(self.root, field, at_key=at_key))


def parse_documents(
    path: str, content: bytes, places: Places | None = None
) -> Iterator[RawDocument | Problem]:
    """Yield the file's documents, and what is wrong with the others.

    Files that are read together share `places`, so that what is kept of them is bounded.
    """
    text = _decode(path, content)
    if isinstance(text, Problem):
        yield text
        return
    source = SourceFile(path, text, places or Places())
    number = -1
    try:
        for number, root in enumerate(source.compose()):
            yield from _read(source, number, root, aliases="&" in text)
    except yaml.YAMLError as error:
        yield _syntax_problem(path, error)
        return
    if number < 0:
        hint = "write a document, delete the file, or name it in .patchwrightignore"
        yield Problem(Location(path), Code.EMPTY_FILE.value, "the file holds no manifest", hint)


def _read(
    source: SourceFile, number: int, root: Node, *, aliases: bool
) -> Iterator[RawDocument | Problem]:
    if not isinstance(root, MappingNode):
        message = "a manifest is a mapping with apiVersion, kind, metadata and spec"
        yield Problem(place_of(source.path, root), Code.NOT_A_MAPPING.value, message)
        return
    reader = Reader(source.path, aliases)
    data = reader.read(root)
    yield from reader.problems
    if data is not None:
        is_sound = not any(problem.is_error for problem in reader.problems)
        yield RawDocument(source, number, root, data, tuple(reader.unsure), is_sound)


def _decode(path: str, content: bytes) -> str | Problem:
    if len(content) > LARGEST_FILE:
        message = "the file is larger than 4 MiB"
        return Problem(Location(path), Code.FILE_TOO_LARGE.value, message, "split it")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        return Problem(Location(path, line, column), Code.NOT_UTF8.value, message, "save as UTF-8")
    text = text.removeprefix(_BOM)
    if _BOM in text:
        before_mark = text[: text.index(_BOM)]
        place = Location(
            path, before_mark.count("\n") + 1, len(before_mark.rpartition("\n")[2]) + 1
        )
        message = "a byte order mark stands inside the text"
        return Problem(place, Code.BAD_YAML.value, message, "remove it")
    return text


def _syntax_problem(path: str, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    at = Location(path, mark.line + 1, mark.column + 1) if mark is not None else Location(path)
    if isinstance(error, LimitError):
        return Problem(at, error.code.value, str(error.problem), error.hint)
    reasons = (getattr(error, "context", None), getattr(error, "problem", None))
    reason = ", ".join(str(part) for part in reasons if part) or "it cannot be read"
    return Problem(at, Code.BAD_YAML.value, f"the text is not YAML: {reason:.200}")
