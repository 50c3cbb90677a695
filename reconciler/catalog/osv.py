"""One record of the Open Source Vulnerability schema to an update without files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from reconciler.catalog.ecosystems import order_of, release_of
from reconciler.catalog.osv_title import Title, parse_title
from reconciler.model.times import parse_instant
from reconciler.model.updates import SEVERITY_WORDS, PackageFix, Update, UpdateSeverity

T = TypeVar("T")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._+~-]{0,199}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9@_.][A-Za-z0-9@/:._+~-]{0,199}", re.ASCII)
_ECOSYSTEM = re.compile(r"[A-Za-z][A-Za-z0-9 ._:/-]{0,99}", re.ASCII)
_VERSION = re.compile(r"[!-~]{1,300}", re.ASCII)
_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,10}", re.ASCII)
_LINK = re.compile(r"https?://[!-~]{1,2000}", re.ASCII)
# RHSA, ALBA, RLEA: the third letter says what an advisory is for; others are about security.
_ADVISORY = re.compile(r"[A-Z]{2}([SBE])A-", re.ASCII)
_CLASSES = {"S": "security", "B": "bugfix", "E": "enhancement"}
_LONGEST_TITLE = 300
_MOST_LINKS = 200


def read_osv(record: Mapping[str, Any], source: str) -> Update | None:
    """Give the update, or nothing for a record that its publisher withdrew.

    Raises ValueError that says what is wrong with the record.
    """
    update_id = _matched(_ID, record, "id")
    modified_at = _instant(record, "modified")
    if modified_at is None:
        message = "it has no modified"
        raise ValueError(message)
    if _instant(record, "withdrawn") is not None:
        return None
    fixes = tuple(sorted(set(_fixes(record)), key=_order_of_fix))
    title = parse_title(_summary(record))
    products = title.products or _shortest_name(record)
    if not products:
        message = "it names no package and no product"
        raise ValueError(message)
    return Update(
        id=update_id,
        source=source,
        product=products[0],
        products=products[1:],
        version="",
        release=tuple(sorted({release_of(fix.ecosystem) for fix in fixes})),
        classification=_classification(update_id),
        packages=(),
        severity=_severity(record, title),
        released_at=_instant(record, "published") or modified_at,
        modified_at=modified_at,
        title=title.text[:_LONGEST_TITLE],
        cves=_cves(record, update_id),
        links=tuple(dict.fromkeys(_links(record)))[:_MOST_LINKS],
        fixes=fixes,
    )


def _fixes(record: Mapping[str, Any]) -> Iterator[PackageFix]:
    """Give the versions from which packages are fixed; one without a fix tells nothing here."""
    for affected in _objects(record, "affected"):
        package = _typed(affected, "package", dict, {})
        ecosystem = _matched(_ECOSYSTEM, package, "ecosystem")
        name, order = _matched(_NAME, package, "name"), order_of(ecosystem)
        for span in _objects(affected, "ranges"):
            if _typed(span, "type", str, "") == "GIT":
                continue
            for event in _objects(span, "events"):
                if "fixed" in event:
                    version = _matched(_VERSION, event, "fixed")
                    if order is not None:
                        # A version that the distribution cannot place is refused here.
                        order(version)
                    yield PackageFix(ecosystem, name, version)


def _order_of_fix(fix: PackageFix) -> tuple[str, str, str]:
    return fix.ecosystem, fix.name, fix.version


def _summary(record: Mapping[str, Any]) -> str:
    """Give the summary in one printable line."""
    text = " ".join(_typed(record, "summary", str, "").split())
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _shortest_name(record: Mapping[str, Any]) -> tuple[str, ...]:
    """A source's main package has the shortest of its packages' names, as a rule."""
    packages = (_typed(one, "package", dict, {}) for one in _objects(record, "affected"))
    names = {_matched(_NAME, package, "name") for package in packages}
    return tuple(sorted(names, key=lambda name: (len(name), name))[:1])


def _severity(record: Mapping[str, Any], title: Title) -> UpdateSeverity:
    """Take the summary's word, else the database's own one; scores of CVSS are not read."""
    if title.severity is not None:
        return title.severity
    own = _typed(record, "database_specific", dict, {}).get("severity")
    scores = [one.get("score") for one in _objects(record, "severity")]
    words = (word.lower() for word in (own, *scores) if isinstance(word, str))
    return next((SEVERITY_WORDS[w] for w in words if w in SEVERITY_WORDS), UpdateSeverity.UNSET)


def _classification(update_id: str) -> str:
    match = _ADVISORY.match(update_id)
    return _CLASSES[match.group(1)] if match else "security"


def _cves(record: Mapping[str, Any], update_id: str) -> tuple[str, ...]:
    fields = ("aliases", "related", "upstream")
    named = [update_id, *(one for field in fields for one in _typed(record, field, list, []))]
    return tuple(sorted({one for one in named if isinstance(one, str) and _CVE.fullmatch(one)}))


def _links(record: Mapping[str, Any]) -> Iterator[str]:
    """Give the advisories' own pages first, then reports; what is no web address is left out."""
    references = _objects(record, "references")
    for reference in sorted(references, key=lambda one: one.get("type") != "ADVISORY"):
        url = reference.get("url")
        if isinstance(url, str) and _LINK.fullmatch(url):
            yield url


def _instant(record: Mapping[str, Any], field: str) -> datetime | None:
    text = _typed(record, field, str, "")
    if not text:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        message = f"{field}: {error}"
        raise ValueError(message) from error


def _objects(holder: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    items = _typed(holder, field, list, [])
    if not all(isinstance(item, dict) for item in items):
        message = f"{field} holds something that is no object"
        raise ValueError(message)
    return items


def _matched(pattern: re.Pattern[str], holder: Mapping[str, Any], field: str) -> str:
    value = _typed(holder, field, str, "")
    if pattern.fullmatch(value) is None:
        message = f"{field} is {value!r:.80}" if value else f"it has no {field}"
        raise ValueError(message)
    return value


def _typed(holder: Mapping[str, Any], field: str, kind: type[T], absent: T) -> T:
    """Give a field's value; absent and null are alike."""
    value = holder.get(field)
    if value is None:
        return absent
    if not isinstance(value, kind):
        message = f"{field} is no {_WORDS[kind]}"
        raise ValueError(message)  # noqa: TRY004  # a record's fault, not a caller's
    return value


_WORDS: dict[type, str] = {str: "text", list: "list", dict: "object"}
