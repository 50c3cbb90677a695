"""Binary packages of an index, grouped into updates by source package and version (S10)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.catalog.apt_release import SuiteRelease
from reconciler.catalog.deb822 import parse_paragraphs
from reconciler.model.ids import DIGEST
from reconciler.model.updates import PackageFile, Update
from reconciler.model.versions import compare_dpkg, dpkg_key

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,199}", re.ASCII)
_SOURCE = re.compile(r"([A-Za-z0-9][A-Za-z0-9.+_-]{0,199})(?:\s+\((\S+)\))?", re.ASCII)
_SIZE = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class IndexedPackage:
    """One paragraph: the file, and the source package that it was built from."""

    file: PackageFile
    source: str
    source_version: str
    synopsis: str


def parse_packages(text: str) -> Iterator[IndexedPackage]:
    """Yield the packages of an index; ValueError names a paragraph that is not whole."""
    for fields, paragraph in parse_paragraphs(text):
        try:
            yield _package_of(fields, paragraph)
        except KeyError as error:
            name = fields.get("Package", paragraph[:40])
            message = f"the paragraph of {name!r} has no {error.args[0]}"
            raise ValueError(message) from error


class SuiteUpdates:
    """Collects a suite's packages into updates."""

    def __init__(self, source: str, location: str, release: SuiteRelease) -> None:
        self._source = source
        self._location = location
        self._release = release
        self._packages: defaultdict[tuple[str, str], dict[tuple[str, str], IndexedPackage]] = (
            defaultdict(dict)
        )

    def add(self, package: IndexedPackage) -> None:
        """Take a package in; `all` ones stand in the index of every architecture.

        Of a package that was built twice from one source version only the newer build counts.
        Raises ValueError where two indexes say different things of one package.
        """
        group = self._packages[package.source, package.source_version]
        key = package.file.name, package.file.architecture
        other = group.get(key)
        if other is None or _is_newer(package, other):
            group[key] = package
        elif (
            other.file.version == package.file.version and other.file.sha256 != package.file.sha256
        ):
            message = f"the package {' '.join(key)} stands twice with different digests"
            raise ValueError(message)

    def made(self) -> list[Update]:
        """Give the updates; of one source package newer versions supersede older ones."""
        versions: defaultdict[str, list[str]] = defaultdict(list)
        for source, version in self._packages:
            versions[source].append(version)
        made: list[Update] = []
        for source in sorted(versions):
            older: list[str] = []
            for version in sorted(versions[source], key=dpkg_key):
                update = self._update(source, version, tuple(older))
                older.append(update.id)
                made.append(update)
        return made

    def _update(self, source: str, version: str, older: tuple[str, ...]) -> Update:
        release = self._release
        group = self._packages[source, version]
        packages = [group[key] for key in sorted(group)]
        return Update(
            id=f"deb:{release.origin}/{release.suite}/{source}/{version}",
            source=self._source,
            product=source,
            version=version,
            release=(release.os_release,),
            classification="security" if release.is_security else "update",
            packages=tuple(one.file for one in packages),
            location=self._location,
            title=packages[0].synopsis or f"{source} {version}",
            supersedes=older,
        )


def _is_newer(package: IndexedPackage, other: IndexedPackage) -> bool:
    return compare_dpkg(package.file.version, other.file.version) > 0


def _package_of(fields: dict[str, str], paragraph: str) -> IndexedPackage:
    name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
    path, sha256, size = fields["Filename"], fields["SHA256"], fields["Size"]
    match = _SOURCE.fullmatch(fields.get("Source", name))
    wrong = {
        "Package": _NAME.fullmatch(name) is None,
        "Architecture": _NAME.fullmatch(architecture) is None,
        "Source": match is None,
        "Filename": _leaves_archive(path),
        "SHA256": DIGEST.fullmatch(sha256) is None,
        "Size": _SIZE.fullmatch(size) is None,
    }
    if match is None or any(wrong.values()):
        field = next(field for field, is_wrong in wrong.items() if is_wrong)
        message = f"the paragraph of {name!r:.100} has a wrong {field}"
        raise ValueError(message)
    source, source_version = match.group(1), match.group(2) or version
    for one in {version, source_version}:
        dpkg_key(one)
    depends = ", ".join(fields[field] for field in ("Pre-Depends", "Depends") if fields.get(field))
    file = PackageFile(name, version, architecture, path, int(size), sha256, depends, paragraph)
    synopsis = fields.get("Description", "").partition("\n")[0]
    return IndexedPackage(file, source, source_version, synopsis)


def _leaves_archive(path: str) -> bool:
    return (
        not path.isprintable() or not path.strip("./") or ".." in path.split("/") or path[0] == "/"
    )
