"""The signed index of one suite: who made it, for which release, and which files it vouches for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from reconciler.catalog.deb822 import parse_paragraphs
from reconciler.model.errors import CatalogError
from reconciler.model.ids import DIGEST

# The names that Debian and Ubuntu give their releases; the fact `os.release` has the numbers.
_CODENAMES: Mapping[str, str] = {
    "bullseye": "debian-11",
    "bookworm": "debian-12",
    "trixie": "debian-13",
    "forky": "debian-14",
    "focal": "ubuntu-20.04",
    "jammy": "ubuntu-22.04",
    "noble": "ubuntu-24.04",
}
_MAJOR = re.compile(r"[0-9]+", re.ASCII)
_SIZE = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class IndexFile:
    """A file that the release vouches for: SHA-256 and size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class SuiteRelease:
    """What a suite's Release file says.

    `architectures` holds `all` only where packages for all have an index of their own.
    With `by_hash` each index also lies under its digest, which a mirror that is being updated
    keeps for a while.
    """

    origin: str
    label: str
    suite: str
    os_release: str
    architectures: tuple[str, ...]
    components: tuple[str, ...]
    files: Mapping[str, IndexFile]
    by_hash: bool

    @property
    def is_security(self) -> bool:
        """Whether the suite brings security updates: by its label or its name."""
        return "security" in f"{self.label} {self.suite}".lower()


def parse_release(text: str, suite: str, now: datetime, where: str) -> SuiteRelease:
    """Read a Release file whose signature was checked; CatalogError where it is no use."""
    try:
        fields = _only_paragraph(text)
        files = _parse_files(fields.get("SHA256", ""))
        valid_until = _parse_date(fields.get("Valid-Until"))
    except ValueError as error:
        raise CatalogError(f"{where} is no Release file: {error}") from error
    if valid_until is not None and valid_until <= now:
        raise CatalogError(
            f"{where} was valid until {valid_until:%Y-%m-%d %H:%M}Z only",
            hint="the mirror is out of date, or somebody withholds updates",
        )
    if not files:
        raise CatalogError(f"{where} vouches for no file by SHA-256")
    return SuiteRelease(
        origin=_safe(fields.get("Origin") or "unknown"),
        label=fields.get("Label", ""),
        suite=_safe(suite),
        os_release=_os_release(fields, suite, where),
        architectures=_architectures(fields),
        components=tuple(fields.get("Components", "").split()),
        files=files,
        by_hash=fields.get("Acquire-By-Hash", "no") == "yes",
    )


def _architectures(fields: Mapping[str, str]) -> tuple[str, ...]:
    without_all = "Packages" in fields.get("No-Support-for-Architecture-all", "")
    names = fields.get("Architectures", "").split()
    return tuple(name for name in names if not (without_all and name == "all"))


def _only_paragraph(text: str) -> dict[str, str]:
    paragraphs = [fields for fields, _ in parse_paragraphs(text)]
    if len(paragraphs) != 1:
        message = f"it has {len(paragraphs)} paragraphs instead of one"
        raise ValueError(message)
    return paragraphs[0]


def _os_release(fields: Mapping[str, str], suite: str, where: str) -> str:
    """Give the operating-system release of a suite: `bookworm-security` is for debian-12."""
    major = _MAJOR.match(fields.get("Version", ""))
    if fields.get("Origin") == "Debian" and major is not None:
        return f"debian-{major.group()}"
    for name in (fields.get("Codename", ""), suite):
        known = _CODENAMES.get(re.split("[-/]", name)[0])
        if known is not None:
            return known
    raise CatalogError(
        f"{where} does not say for which operating-system release it is:"
        f" no release is known by its codename {fields.get('Codename', '')!r:.60}",
        hint="name the suite of a release, as bookworm-security",
    )


def _safe(part: str) -> str:
    """Keep slashes out of the parts of an update's id."""
    return part.replace("%", "%25").replace("/", "%2F")


def _parse_files(table: str) -> dict[str, IndexFile]:
    files: dict[str, IndexFile] = {}
    for line in table.split("\n"):
        if not line.strip():
            continue
        sha256, size, path = line.split()
        if DIGEST.fullmatch(sha256) is None or _SIZE.fullmatch(size) is None:
            message = f"{path!r:.200} has a wrong digest or size"
            raise ValueError(message)
        files[path] = IndexFile(sha256, int(size))
    return files


def _parse_date(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
