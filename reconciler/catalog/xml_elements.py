"""XML read in pieces, without any feature that lets a small file become a large one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, TreeBuilder  # builds only, parses nothing
from xml.parsers import expat

_PIECE = 256 * 1024
_DEEPEST = 32
_LARGEST_ELEMENT = 8 << 20
_NAMESPACE_END = "}"


@dataclass(frozen=True, slots=True)
class Part:
    """One child of the document's root: what it holds, and the text from which it was read."""

    element: Element
    text: str


def read_parts(content: bytes) -> Iterator[Part]:
    """Yield the children of the root in order; names are without their namespaces.

    Raises ValueError for what is no XML, and for what no package metadata needs: document type
    declarations (and so entities), elements nested deeper than 32 levels or larger than 8 MiB.
    """
    reader = _Reader(content)
    for start in range(0, len(content), _PIECE):
        yield from reader.feed(content[start : start + _PIECE], is_last=False)
    yield from reader.feed(b"", is_last=True)


class _Reader:
    """Turns expat's events into the root's children."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._depth = 0
        self._begin = 0
        self._builder = TreeBuilder()
        self._ready: list[Part] = []
        self._parser = expat.ParserCreate(namespace_separator=_NAMESPACE_END)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = _refuse_doctype

    def feed(self, piece: bytes, *, is_last: bool) -> list[Part]:
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as error:
            message = f"it is no XML: {error}"
            raise ValueError(message) from error
        ready, self._ready = self._ready, []
        return ready

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            return
        if self._depth > _DEEPEST:
            message = f"its elements are nested deeper than {_DEEPEST} levels"
            raise ValueError(message)
        if self._depth == 2:  # noqa: PLR2004  # a child of the root
            self._begin = self._parser.CurrentByteIndex
            self._builder = TreeBuilder()
        elif self._parser.CurrentByteIndex - self._begin > _LARGEST_ELEMENT:
            message = f"an element is larger than {_LARGEST_ELEMENT >> 20} MiB"
            raise ValueError(message)
        self._builder.start(_local(name), {_local(key): text for key, text in attributes.items()})

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._depth == 0:
            return
        self._builder.end(_local(name))
        if self._depth == 1:
            self._ready.append(Part(self._builder.close(), self._text_of_part()))

    def _text(self, text: str) -> None:
        if self._depth > 1:
            self._builder.data(text)

    def _text_of_part(self) -> str:
        # Expat stands at the end tag, whose own length it does not tell.
        end = self._content.index(b">", self._parser.CurrentByteIndex) + 1
        return self._content[self._begin : end].decode("utf-8", "replace")


def _local(name: str) -> str:
    return name.rpartition(_NAMESPACE_END)[2]


def _refuse_doctype(*_: object) -> None:
    message = "it has a document type declaration, which package metadata never needs"
    raise ValueError(message)
