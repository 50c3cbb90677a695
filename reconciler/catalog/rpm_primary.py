"""The packages of an rpm repository, as its primary metadata lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element  # a type only

from reconciler.catalog.repomd import is_inside
from reconciler.catalog.xml_elements import read_parts
from reconciler.model.ids import DIGEST
from reconciler.model.updates import PackageFile
from reconciler.model.versions import render_evr, rpm_key

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9.+_-]{0,199}", re.ASCII)
_ARCHITECTURE = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)
_SOURCE = re.compile(r"(.+)-([^-]+)-([^-]+)\.(?:no)?src\.rpm", re.ASCII)
_PREFIX = re.compile(r"<([A-Za-z0-9_.-]+):", re.ASCII)
_OPERATORS = {"EQ": "=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
_SIZE = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ListedRpm:
    """One package file, the source package that it was built from, and what it is about."""

    file: PackageFile
    source: str
    source_version: str
    summary: str


@dataclass(frozen=True, slots=True)
class BrokenRpm:
    """A package that cannot be used, and why."""

    name: str
    reason: str


def parse_primary(content: bytes) -> Iterator[ListedRpm | BrokenRpm]:
    """Yield the binary packages of primary.xml; raises ValueError where it is no such file."""
    for part in read_parts(content):
        element = part.element
        if element.tag != "package" or element.get("type", "rpm") != "rpm":
            continue
        if element.findtext("arch") in {"src", "nosrc"}:
            continue
        try:
            yield _package_of(element, part.text)
        except ValueError as error:
            yield BrokenRpm((element.findtext("name") or "?")[:200], str(error))


def read_version(element: Element) -> str:
    """Give `[epoch:]version-release` of attributes as rpm metadata has them; ValueError if none.

    Both the long names (`ver`, `rel`) and those of updateinfo (`version`, `release`) are read.
    """
    version = element.get("ver") or element.get("version") or ""
    release = element.get("rel") or element.get("release") or ""
    text = render_evr(element.get("epoch") or "0", version, release)
    rpm_key(text)
    return text


def _package_of(element: Element, text: str) -> ListedRpm:
    name, architecture = element.findtext("name") or "", element.findtext("arch") or ""
    location, checksum, size = (element.find(tag) for tag in ("location", "checksum", "size"))
    version = element.find("version")
    if location is None or checksum is None or size is None or version is None:
        message = "it has no version, location, checksum or size"
        raise ValueError(message)
    if not set(_PREFIX.findall(text)) <= {"rpm"}:
        message = "its elements have other prefixes than rpm"
        raise ValueError(message)
    path, digest = location.get("href", ""), (checksum.text or "").strip().lower()
    length = size.get("package", "")
    wrong = {
        "name": NAME.fullmatch(name) is None,
        "architecture": _ARCHITECTURE.fullmatch(architecture) is None,
        "location": not is_inside(path) or not path.endswith(".rpm"),
        "checksum: SHA-256 is needed": checksum.get("type") != "sha256"
        or DIGEST.fullmatch(digest) is None,
        "size": _SIZE.fullmatch(length) is None,
    }
    if any(wrong.values()):
        field = next(field for field, is_wrong in wrong.items() if is_wrong)
        message = f"it has a wrong {field}"
        raise ValueError(message)
    evr = read_version(version)
    source = _SOURCE.fullmatch(element.findtext("format/sourcerpm") or "")
    source_name = source[1] if source and NAME.fullmatch(source[1]) else name
    source_version = f"{source[2]}-{source[3]}" if source else evr
    rpm_key(source_version)
    file = PackageFile(
        name,
        evr,
        architecture,
        path,
        int(length),
        digest,
        depends="\n".join(_relations(element, "format/requires/entry")),
        control=text,
        provides="\n".join((*_relations(element, "format/provides/entry"), *_files(element))),
    )
    summary = " ".join((element.findtext("summary") or "").split())
    return ListedRpm(file, source_name, source_version, summary[:300])


def _relations(element: Element, path: str) -> Iterator[str]:
    """Give each relation as a line; those that only a solver understands are left to dnf."""
    for entry in element.findall(path):
        name = entry.get("name", "")
        if not name or name.startswith(("(", "rpmlib(")) or not name.isprintable():
            continue
        operator = _OPERATORS.get(entry.get("flags", ""), "")
        if operator and entry.get("ver"):
            yield f"{name}\t{operator}\t{read_version(entry)}"
        else:
            yield name


def _files(element: Element) -> Iterator[str]:
    for file in element.findall("format/file"):
        if file.text and file.text.isprintable():
            yield file.text
