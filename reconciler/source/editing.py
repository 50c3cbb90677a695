"""Edits of manifests that leave everything else as it stands: comments, order, layout.

An edit is undone, and said to be impossible, unless the file then means exactly what was asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from reconciler.model.errors import ProposalError
from reconciler.source.comments import lines_of
from reconciler.source.composing import key_and_value
from reconciler.source.documents import RawDocument, parse_documents
from reconciler.source.parts import split_documents

_MODELINE = "# yaml-language-server:"


@dataclass(slots=True)
class Workspace:
    """The files of a folder of manifests, edited in memory; `before` is how they were."""

    before: Mapping[str, bytes]
    files: dict[str, bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.files = dict(self.before)

    @property
    def changed(self) -> Mapping[str, bytes | None]:
        """The new content of each file that changed, in order; None where it is removed."""
        paths = sorted({*self.before, *self.files})
        return {
            path: self.files.get(path)
            for path in paths
            if self.files.get(path) != self.before.get(path)
        }

    def find(self, kind: str, name: str) -> Spot | None:
        """Give where a document stands; None where there is none."""
        for path in sorted(self.files):
            for spot in self._spots(path):
                if spot.kind == kind and spot.name == name:
                    return spot
        return None

    def remove(self, spot: Spot) -> None:
        """Take a document out; a file of which nothing is left is removed."""
        parts = self._parts(spot.path)
        taken = parts.pop(spot.number)
        if not parts:
            del self.files[spot.path]
            return
        if spot.number == 0:
            kept = [line for line in lines_of(taken)[:1] if line.startswith(_MODELINE)]
            parts[0] = "".join(kept) + parts[0].removeprefix("---").lstrip("\r\n")
        self._write(spot.path, parts)

    def add(self, path: str, text: str) -> None:
        """Put a document at the end of a file, or into a new one."""
        present = self.files.get(path, b"").decode()
        if not present:
            self.files[path] = text.removeprefix("---\n").encode()
            return
        end = "" if present.endswith("\n") else "\n"
        if text.startswith(_MODELINE):
            text = "".join(lines_of(text)[1:])
        body = text if text.startswith("---") else f"---\n{text}"
        self.files[path] = (present + end + body).encode()

    def replace(self, spot: Spot, text: str) -> None:
        """Put another text in a document's place."""
        parts = self._parts(spot.path)
        parts[spot.number] = text
        self._write(spot.path, parts)

    def extend_list(self, spot: Spot, name: str, values: Sequence[str]) -> None:
        """Put texts at the end of a list of the spec, which is made where there is none."""
        wanted = _with_list(spot.meaning, name, values)
        text = _extended(spot, name, values)
        if _meaning(spot.path, text) != wanted:
            raise _impossible(spot, name)
        self.replace(spot, text)

    def put_list(self, spot: Spot, name: str, values: Sequence[str], instead_of: str) -> None:
        """Give the spec a list in place of what it has of that name, and of another field."""
        spec = spot.meaning.get("spec")
        kept = spec if isinstance(spec, dict) else {}
        kept = {key: value for key, value in kept.items() if key not in {name, instead_of}}
        wanted = {**spot.meaning, "spec": {**kept, name: [*values]}}
        text = spot.text
        for field_name in (name, instead_of):
            text = _without(spot, text, field_name)
        read = _read(spot.path, text)
        root = read.root if read is not None else None
        found = key_and_value(root, "spec") if isinstance(root, MappingNode) else None
        if found is None or not isinstance(found[1], MappingNode) or not found[1].value:
            raise _impossible(spot, name)
        text = _with_new_list(text, found[1], name, values)
        if _meaning(spot.path, text) != wanted:
            raise _impossible(spot, name)
        self.replace(spot, text)

    def text_of(self, spot: Spot) -> str:
        """Give a document's text, with what stands above it."""
        return self._parts(spot.path)[spot.number]

    def _write(self, path: str, parts: Sequence[str]) -> None:
        mark = "\ufeff" if self.files[path].startswith(b"\xef\xbb\xbf") else ""
        self.files[path] = (mark + "".join(parts)).encode()

    def _parts(self, path: str) -> list[str]:
        return split_documents(self.files[path].decode().removeprefix("\ufeff"))

    def _spots(self, path: str) -> Iterator[Spot]:
        try:
            parts = self._parts(path)
        except (yaml.YAMLError, UnicodeDecodeError):
            return
        for number, text in enumerate(parts):
            read = _read(path, text)
            if read is not None:
                metadata = read.data.get("metadata")
                name = metadata.get("name") if isinstance(metadata, dict) else None
                yield Spot(path, number, str(read.data.get("kind")), str(name), text, read)


@dataclass(frozen=True, slots=True)
class Spot:
    """A document in a file: which one, what it is, and how it reads."""

    path: str
    number: int
    kind: str
    name: str
    text: str
    read: RawDocument = field(repr=False)

    @property
    def meaning(self) -> dict[str, object]:
        """The document's value."""
        return self.read.data


def quote(text: str) -> str:
    """Give a text as YAML that every reader takes for that text."""
    return json.dumps(text, ensure_ascii=False)


def _read(path: str, text: str) -> RawDocument | None:
    found = list(parse_documents(path, text.encode()))
    documents = [one for one in found if isinstance(one, RawDocument) and one.is_sound]
    return documents[0] if len(documents) == 1 else None


def _meaning(path: str, text: str) -> object:
    read = _read(path, text)
    return read.data if read is not None else None


def _with_list(meaning: dict[str, object], name: str, values: Sequence[str]) -> object:
    spec = meaning.get("spec")
    if not isinstance(spec, dict):
        return None
    return {**meaning, "spec": {**spec, name: [*(spec.get(name) or []), *values]}}


def _extended(spot: Spot, name: str, values: Sequence[str]) -> str:
    root = spot.read.root
    found = key_and_value(root, "spec") if isinstance(root, MappingNode) else None
    if found is None or not isinstance(found[1], MappingNode):
        raise _impossible(spot, name)
    present = key_and_value(found[1], name)
    if present is None:
        return _with_new_list(spot.text, found[1], name, values)
    if not isinstance(present[1], SequenceNode):
        raise _impossible(spot, name)
    if present[1].flow_style:
        return _into_flow(spot.text, present[1], values)
    return _below(spot.text, present[1], values)


def _with_new_list(text: str, spec: MappingNode, name: str, values: Sequence[str]) -> str:
    made = f"{name}: [{', '.join(map(quote, values))}]"
    if spec.flow_style:
        at = spec.start_mark.index + 1
        return f"{text[:at]}{made}{', ' if spec.value else ''}{text[at:]}"
    keys = [key for key, _ in spec.value if key.value != "type"] or [spec.value[0][0]]
    first = keys[0].start_mark
    # Above another field, in its column: everything else keeps its line.
    return f"{text[: first.index]}{made}\n{' ' * first.column}{text[first.index :]}"


def _without(spot: Spot, text: str, name: str) -> str:
    """Take a field of the spec out of a text."""
    read = _read(spot.path, text)
    root = read.root if read is not None else None
    found = key_and_value(root, "spec") if isinstance(root, MappingNode) else None
    if found is None or not isinstance(found[1], MappingNode):
        raise _impossible(spot, name)
    pairs = found[1].value
    number = next((at for at, (key, _) in enumerate(pairs) if key.value == name), None)
    if number is None:
        return text
    key, value = pairs[number]
    if found[1].flow_style:
        if number + 1 < len(pairs):
            return text[: key.start_mark.index] + text[pairs[number + 1][0].start_mark.index :]
        begin = _end_of(pairs[number - 1][1]) if number else key.start_mark.index
        return text[:begin] + text[_end_of(value) :]
    last = value.value[-1] if isinstance(value, SequenceNode) and value.value else value
    lines = lines_of(text)
    return "".join([*lines[: key.start_mark.line], *lines[last.end_mark.line + 1 :]])


def _into_flow(text: str, node: SequenceNode, values: Sequence[str]) -> str:
    made = ", ".join(map(quote, values))
    at = _end_of(node.value[-1]) if node.value else node.start_mark.index + 1
    return f"{text[:at]}{', ' if node.value else ''}{made}{text[at:]}"


def _below(text: str, node: SequenceNode, values: Sequence[str]) -> str:
    lines = lines_of(text)
    last: Node = node.value[-1]
    at = int(last.end_mark.line)
    before = " " * int(node.start_mark.column)
    end = "\r\n" if lines[at].endswith("\r\n") else "\n"
    if not lines[at].endswith(("\n", "\r")):
        lines[at] += end
    made = [f"{before}- {quote(value)}{end}" for value in values]
    return "".join([*lines[: at + 1], *made, *lines[at + 1 :]])


def _end_of(node: Node) -> int:
    return int(node.end_mark.index)


def _impossible(spot: Spot, name: str) -> ProposalError:
    message = f"{spot.path}: {name} of {spot.kind} {spot.name!r} cannot be edited as it is laid out"
    return ProposalError(message, hint="write it as a list, one value a line, and try again")
