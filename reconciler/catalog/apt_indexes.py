"""Which of the files that a suite's Release lists have to be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.catalog.apt_release import IndexFile, SuiteRelease
from reconciler.model.errors import CatalogError

_LARGEST = 1024 * 1024 * 1024
# Best first; the plain form is last because it is the largest and mirrors often lack it.
_FORMS = (".xz", ".gz", "")


@dataclass(frozen=True, slots=True)
class PackagesIndex:
    """A Packages file to read: its path below the suite and its form, `.xz`, `.gz` or none.

    `plain_limit` bounds what it unpacks to: exactly what the Release says, where it says it.
    """

    path: str
    form: str
    file: IndexFile
    plain_limit: int

    @property
    def by_hash(self) -> str:
        """The path under which it stays while the mirror is being updated."""
        return f"{self.path.rpartition('/')[0]}/by-hash/SHA256/{self.file.sha256}"


def choose_indexes(
    release: SuiteRelease, architectures: Sequence[str]
) -> tuple[PackagesIndex, ...]:
    """Choose one form of each component's and architecture's Packages file.

    An architecture that a component does not have is left out: it is the signed Release that
    says so. A component without any, or a wanted architecture that the suite does not know, is
    a CatalogError.
    """
    known = set(release.architectures)
    unknown = sorted(set(architectures) - known - {"all"})
    if unknown:
        raise CatalogError(
            f"suite {release.suite} has no architecture {unknown[0]}",
            hint=f"it has {', '.join(sorted(known))}",
        )
    wanted = sorted({*architectures, "all"} & known if architectures else known)
    chosen: list[PackagesIndex] = []
    for component in release.components:
        found = [index for one in wanted for index in _find(release, component, one)]
        if not found:
            raise CatalogError(
                f"the Release of suite {release.suite} lists no Packages index of"
                f" component {component} for {' '.join(wanted)}",
                hint="check suites and architectures of the source",
            )
        chosen += found
    if not chosen:
        raise CatalogError(f"the Release of suite {release.suite} names no component")
    return tuple(chosen)


def _find(release: SuiteRelease, component: str, architecture: str) -> Iterator[PackagesIndex]:
    # Debian's security archive calls them `updates/main` and has them in `main`.
    for folder in dict.fromkeys((component, component.rpartition("/")[2])):
        stem = f"{folder}/binary-{architecture}/Packages"
        for form in _FORMS:
            file = release.files.get(stem + form)
            if file is None:
                continue
            if file.size > _LARGEST:
                raise CatalogError(f"the index {stem}{form} has {file.size} bytes: too many")
            plain = release.files.get(stem)
            limit = min(plain.size if plain else _LARGEST, _LARGEST)
            yield PackagesIndex(stem + form, form, file, limit)
            return
