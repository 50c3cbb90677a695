"""What captured .debs need beside themselves, found in the index of the same source."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.content.placed import Placed
from reconciler.model.errors import ContentError
from reconciler.model.updates import EVERYWHERE, PackageFile
from reconciler.model.versions import compare_dpkg, dpkg_key

_RELATION = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9.+_-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*(\S+?)\s*\))?",
    re.ASCII,
)
# A single `<` or `>` is the old way to write `<=` and `>=`, and dpkg still reads it so.
_FITS: Mapping[str, Callable[[int], bool]] = {
    "<<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    "<": lambda order: order <= 0,
    "=": lambda order: order == 0,
    ">=": lambda order: order >= 0,
    ">": lambda order: order >= 0,
    ">>": lambda order: order > 0,
}


@dataclass(frozen=True, slots=True)
class Relation:
    """One alternative of a dependency; without an operator any version will do."""

    name: str
    operator: str = ""
    version: str = ""

    def is_met_by(self, file: PackageFile) -> bool:
        """Tell whether the file is such a package; `Provides` is not looked at."""
        if file.name != self.name or not self.operator:
            return file.name == self.name
        return _FITS[self.operator](compare_dpkg(file.version, self.version))


def add_deb_dependencies(
    chosen: Sequence[Placed], index: Sequence[Placed], architectures: Iterable[str]
) -> list[Placed]:
    """Give the chosen files and, followed to the end, what the index has of their dependencies.

    Each release and architecture is a world of its own. What neither has is expected to be on
    the computer already; the agent's simulation says so before anything happens. Raises
    ContentError for a dependency that cannot be read.
    """
    releases = sorted({release for one in chosen for release in one.releases})
    found = {one.identity: one for one in reversed(chosen)}
    for release in releases:
        for architecture in sorted({*architectures, *EVERYWHERE}):
            own = _world(chosen, release, architecture)
            for one in _follow(own, _newest(_world(index, release, architecture))):
                found.setdefault(one.identity, one)
    return list(found.values())


def parse_depends(text: str) -> Iterator[tuple[Relation, ...]]:
    """Give each dependency as its alternatives; raises ValueError for what is none."""
    for group in text.split(","):
        if not group.strip():
            continue
        matches = [(choice, _RELATION.fullmatch(choice.strip())) for choice in group.split("|")]
        yield tuple(_relation_of(choice, match) for choice, match in matches)


def _relation_of(choice: str, match: re.Match[str] | None) -> Relation:
    if match is None:
        message = f"{choice.strip()!r:.100} is no dependency"
        raise ValueError(message)
    name, operator, version = match.groups(default="")
    if version:
        dpkg_key(version)
    return Relation(name, operator, version)


def _world(placed: Iterable[Placed], release: str, architecture: str) -> list[Placed]:
    fitting = {architecture, *EVERYWHERE}
    return [one for one in placed if release in one.releases and one.file.architecture in fitting]


def _newest(world: Iterable[Placed]) -> dict[str, Placed]:
    newest: dict[str, Placed] = {}
    for one in world:
        known = newest.get(one.file.name)
        if known is None or compare_dpkg(one.file.version, known.file.version) > 0:
            newest[one.file.name] = one
    return newest


def _follow(own: Sequence[Placed], newest: Mapping[str, Placed]) -> list[Placed]:
    taken: defaultdict[str, list[PackageFile]] = defaultdict(list)
    for one in own:
        taken[one.file.name].append(one.file)
    added: list[Placed] = []
    waiting = list(reversed(own))
    while waiting:
        file = waiting.pop().file
        for choices in _dependencies_of(file):
            if any(choice.is_met_by(one) for choice in choices for one in taken[choice.name]):
                continue
            found = _first(choices, newest)
            if found is not None:
                taken[found.file.name].append(found.file)
                added.append(found)
                waiting.append(found)
    return added


def _first(choices: Sequence[Relation], newest: Mapping[str, Placed]) -> Placed | None:
    for choice in choices:
        found = newest.get(choice.name)
        if found is not None and choice.is_met_by(found.file):
            return found
    return None


def _dependencies_of(file: PackageFile) -> list[tuple[Relation, ...]]:
    try:
        return list(parse_depends(file.depends))
    except ValueError as error:
        raise ContentError(
            f"the dependencies of {file.name} {file.version} cannot be read: {error}",
            hint="leave the update out, and tell who runs the archive",
        ) from error
