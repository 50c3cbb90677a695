"""Advisories of an rpm repository, as its updateinfo metadata tells them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element  # a type only

from reconciler.catalog.rpm_modules import Build, stream_name
from reconciler.catalog.rpm_primary import NAME, read_version
from reconciler.catalog.xml_elements import read_parts
from reconciler.model.times import parse_instant
from reconciler.model.updates import SEVERITY_WORDS, UpdateSeverity

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._+~-]{0,199}", re.ASCII)
_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,10}", re.ASCII)
_LINK = re.compile(r"https?://[!-~]{1,2000}", re.ASCII)
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9]{2}:[0-9]{2}:[0-9]{2}))?.*", re.ASCII)
_SECONDS = re.compile(r"[0-9]{9,11}", re.ASCII)
_CLASSES = {"security": "security", "bugfix": "bugfix", "enhancement": "enhancement"}
_LONGEST_TITLE = 300
_MOST_LINKS = 200


@dataclass(frozen=True, slots=True)
class Advisory:
    """What one advisory says; `builds` are its binary packages with their module's stream."""

    id: str
    title: str
    classification: str
    severity: UpdateSeverity
    issued_at: datetime | None
    updated_at: datetime | None
    cves: tuple[str, ...]
    links: tuple[str, ...]
    builds: tuple[tuple[Build, str], ...]


@dataclass(frozen=True, slots=True)
class BrokenAdvisory:
    """An advisory that cannot be used, and why."""

    id: str
    reason: str


def parse_updateinfo(content: bytes) -> Iterator[Advisory | BrokenAdvisory]:
    """Yield the advisories in their order; raises ValueError where it is no such file."""
    for part in read_parts(content):
        if part.element.tag != "update":
            continue
        try:
            yield _advisory_of(part.element)
        except ValueError as error:
            yield BrokenAdvisory((part.element.findtext("id") or "?").strip()[:200], str(error))


def _advisory_of(update: Element) -> Advisory:
    id_ = (update.findtext("id") or "").strip()
    if _ID.fullmatch(id_) is None:
        message = f"its id is {id_!r:.80}"
        raise ValueError(message)
    builds = tuple(dict.fromkeys(_builds_of(update)))
    if not builds:
        message = "it names no binary package"
        raise ValueError(message)
    references = update.findall("references/reference")
    cves = {one.get("id", "") for one in references}
    links = (one.get("href", "") for one in references)
    title = " ".join((update.findtext("title") or update.findtext("summary") or "").split())
    issued_at = _moment(update, "issued")
    return Advisory(
        id=id_,
        title="".join(one if one.isprintable() else "?" for one in title)[:_LONGEST_TITLE],
        classification=_CLASSES.get(update.get("type", ""), "update"),
        severity=_severity(update, title),
        issued_at=issued_at,
        updated_at=_moment(update, "updated") or issued_at,
        cves=tuple(sorted(one for one in cves if _CVE.fullmatch(one))),
        links=tuple(dict.fromkeys(one for one in links if _LINK.fullmatch(one)))[:_MOST_LINKS],
        builds=builds,
    )


def _builds_of(update: Element) -> Iterator[tuple[Build, str]]:
    for collection in update.findall("pkglist/collection"):
        module = collection.find("module")
        stream = "" if module is None else stream_name(module.get("name"), module.get("stream"))
        if module is not None and not stream:
            message = "its module has no name or no stream"
            raise ValueError(message)
        for package in collection.findall("package"):
            name, architecture = package.get("name", ""), package.get("arch", "")
            if architecture in {"src", "nosrc"}:
                continue
            if NAME.fullmatch(name) is None or not architecture.replace("_", "").isalnum():
                message = f"it names a package {name!r:.80} for {architecture!r:.40}"
                raise ValueError(message)
            yield (name, read_version(package), architecture), stream


def _severity(update: Element, title: str) -> UpdateSeverity:
    """Take the severity's own word, else the one that begins the title, as AlmaLinux writes it."""
    word = (update.findtext("severity") or title.partition(":")[0]).strip().lower()
    return SEVERITY_WORDS.get(word, UpdateSeverity.UNSET)


def _moment(update: Element, name: str) -> datetime | None:
    """Read a date, a date with a time in UTC, or seconds since 1970: publishers write all three."""
    element = update.find(name)
    text = "" if element is None else element.get("date", "").strip()
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text), UTC)
    match = _DAY.fullmatch(text)
    if match is None:
        message = f"{name} is {text!r:.60}, which is no date"
        raise ValueError(message)
    return parse_instant(f"{match[1]}T{match[2] or '00:00:00'}Z")
