"""The signed index of one suite: who made it, for which release, and which files it vouches for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from reconciler.catalog.deb822 import parse_paragraphs
from reconciler.model.errors import CatalogError

# The names that Debian and Ubuntu give their releases; `os.release` has the numbers.
_CODENAMES: Mapping[str, str] = {
    "bullseye": "debian-11",
    "bookworm": "debian-12",
    "trixie": "debian-13",
    "forky": "debian-14",
    "focal": "ubuntu-20.04",
    "jammy": "ubuntu-22.04",
    "noble": "ubuntu-24.04",
}


@dataclass(frozen=True, slots=True)
class IndexFile:
    """A file that the release vouches for: SHA-256 and size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class SuiteRelease:
    """What a suite's Release file says.

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
        return "security" in self.label.lower() or self.suite.endswith("-security")


def parse_release(text: str, suite: str, now: datetime, where: str) -> SuiteRelease:
    """Read a Release file whose signature was checked; CatalogError where it is no use."""
    try:
        paragraphs = list(parse_paragraphs(text))
        fields = paragraphs[0][0]
        files = _parse_files(fields.get("SHA256", ""))
        valid_until = _parse_date(fields.get("Valid-Until"))
    except (ValueError, IndexError) as error:
        raise CatalogError(f"{where} is no Release file: {error}") from error
    if valid_until is not None and valid_until < now:
        raise CatalogError(
            f"{where} was valid until {valid_until:%Y-%m-%d %H:%M}Z only",
            hint="the mirror is out of date, or somebody withholds updates",
        )
    if not files:
        raise CatalogError(f"{where} vouches for no file by SHA-256")
    codename = fields.get("Codename") or suite
    return SuiteRelease(
        origin=fields.get("Origin", "unknown"),
        label=fields.get("Label", ""),
        suite=suite,
        os_release=os_release_of(codename),
        architectures=tuple(fields.get("Architectures", "").split()),
        components=tuple(part.rpartition("/")[2] for part in fields.get("Components", "").split()),
        files=files,
        by_hash=fields.get("Acquire-By-Hash", "no") == "yes",
    )


def os_release_of(codename: str) -> str:
    """Give the operating-system release of a suite: `bookworm-security` is for debian-12."""
    base = codename.partition("-")[0].partition("/")[0]
    return _CODENAMES.get(base, base)


def _parse_files(table: str) -> dict[str, IndexFile]:
    files: dict[str, IndexFile] = {}
    for line in table.split("\n"):
        if line.strip():
            sha256, size, path = line.split()
            files[path] = IndexFile(sha256, int(size))
    return files


def _parse_date(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = parsedate_to_datetime(text.replace("UTC", "+0000"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
