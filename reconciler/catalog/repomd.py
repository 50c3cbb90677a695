"""The index of an rpm repository, repomd.xml: which files of metadata it has (A5)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element  # a type only

from reconciler.catalog.inflate import FORMS
from reconciler.catalog.xml_elements import read_parts

_DIGESTS = {"sha256": 64, "sha384": 96, "sha512": 128}
_LARGEST = 256 << 20
_LARGEST_PLAIN = 1 << 30


@dataclass(frozen=True, slots=True)
class MetadataFile:
    """A file that repomd.xml vouches for: where it lies, its digest, and bounds in bytes."""

    path: str
    algorithm: str
    digest: str
    size: int
    plain_limit: int

    @property
    def form(self) -> str:
        """How it is packed: `.gz`, `.xz`, `.bz2`, `.zst` or not at all."""
        return next((form for form in FORMS if self.path.endswith(form)), "")

    def is_whole(self, content: bytes) -> bool:
        """Tell whether these bytes are the ones that repomd.xml means."""
        return hashlib.new(self.algorithm, content).hexdigest() == self.digest


def parse_repomd(content: bytes) -> Mapping[str, MetadataFile]:
    """Give the metadata files by type (`primary`, `updateinfo`); raises ValueError.

    A file with a digest of another kind, or too large, is an error only for who asks for it.
    """
    files: dict[str, MetadataFile] = {}
    problems: dict[str, str] = {}
    for part in read_parts(content):
        kind = part.element.get("type", "")
        if part.element.tag != "data" or not kind:
            continue
        try:
            files[kind] = _file_of(part.element)
        except ValueError as error:
            problems[kind] = str(error)
    for kind in ("primary", "updateinfo"):
        if kind in problems:
            message = f"its {kind}: {problems[kind]}"
            raise ValueError(message)
    return files


def _file_of(data: Element) -> MetadataFile:
    location, checksum = data.find("location"), data.find("checksum")
    path = "" if location is None else location.get("href", "")
    algorithm = "" if checksum is None else checksum.get("type", "")
    digest = "" if checksum is None else (checksum.text or "").strip().lower()
    if not is_inside(path):
        message = f"its location is {path!r:.200}"
        raise ValueError(message)
    if len(digest) != _DIGESTS.get(algorithm, 0) or not _is_hex(digest):
        message = f"its checksum is of type {algorithm!r:.40}; sha256, sha384 or sha512 is needed"
        raise ValueError(message)
    size = _number(data, "size", _LARGEST)
    return MetadataFile(path, algorithm, digest, size, _number(data, "open-size", _LARGEST_PLAIN))


def is_inside(path: str) -> bool:
    """Tell a path below the repository from one that leaves it."""
    parts = path.split("/")
    return bool(path) and path.isprintable() and ".." not in parts and parts[0] != ""


def _number(data: Element, name: str, limit: int) -> int:
    """Give a size that is said, or the most that it may be."""
    text = (data.findtext(name) or "").strip()
    if not text:
        return limit
    if not (text.isascii() and text.isdigit()) or int(text[:15]) > limit:
        message = f"its {name} is {text!r:.40}; at most {limit} bytes are read"
        raise ValueError(message)
    return int(text)


def _is_hex(text: str) -> bool:
    return all(letter in "0123456789abcdef" for letter in text)
