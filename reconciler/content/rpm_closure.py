"""What captured rpms need beside themselves, found in the index of the same source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.content.placed import Placed
from reconciler.model.errors import ContentError
from reconciler.model.updates import EVERYWHERE, PackageFile
from reconciler.model.versions import compare_rpm, rpm_key

_FITS: Mapping[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    "=": lambda order: order == 0,
    ">=": lambda order: order >= 0,
    ">": lambda order: order > 0,
}


@dataclass(frozen=True, slots=True)
class RpmRelation:
    """A requirement or a capability; without an operator it is of any version."""

    name: str
    operator: str = ""
    version: str = ""

    def is_met_by(self, offered: RpmRelation) -> bool:
        """Tell whether the capability is what is required.

        Where one of the two has no release, releases are not compared, as rpm does it.
        """
        if self.name != offered.name:
            return False
        if not self.operator or offered.operator != "=":
            return True
        found, wanted = offered.version, self.version
        if "-" not in found or "-" not in wanted:
            found, wanted = found.partition("-")[0], wanted.partition("-")[0]
        return _FITS[self.operator](compare_rpm(found, wanted))


def parse_relations(text: str) -> Iterator[RpmRelation]:
    """Read relations as the catalog keeps them; raises ValueError for what is none."""
    for line in text.splitlines():
        name, _, rest = line.partition("\t")
        operator, _, version = rest.partition("\t")
        if rest and operator not in _FITS:
            message = f"{line!r:.100} is no relation"
            raise ValueError(message)
        yield RpmRelation(name, operator, version)


def add_rpm_dependencies(
    chosen: Sequence[Placed], index: Sequence[Placed], architectures: Iterable[str]
) -> list[Placed]:
    """Give the chosen files and, followed to the end, what the index has of their requirements.

    Each release and architecture is a world of its own, and of modules only the streams of the
    chosen files are in it. What nobody there offers is expected to be on the computer already;
    the agent's simulation says so before anything happens. Raises ContentError.
    """
    found = {one.identity: one for one in reversed(chosen)}
    for release in sorted({release for one in chosen for release in one.releases}):
        for architecture in sorted({*architectures, *EVERYWHERE}):
            own = _world(chosen, release, architecture)
            streams = {"", *(one.file.module for one in own)}
            world = [
                one for one in _world(index, release, architecture) if one.file.module in streams
            ]
            for one in _follow(own, _Offers(world)):
                found.setdefault(one.identity, one)
    return list(found.values())


class _Offers:
    """Who offers what; of one package only the newest counts."""

    def __init__(self, world: Iterable[Placed]) -> None:
        newest: dict[str, Placed] = {}
        for one in world:
            known = newest.get(one.file.name)
            if known is None or rpm_key(one.file.version) > rpm_key(known.file.version):
                newest[one.file.name] = one
        self._by_name: defaultdict[str, list[tuple[RpmRelation, Placed]]] = defaultdict(list)
        for name in sorted(newest):
            for offered in _read(newest[name].file, newest[name].file.provides):
                self._by_name[offered.name].append((offered, newest[name]))

    def add(self, one: Placed) -> None:
        for offered in _read(one.file, one.file.provides):
            self._by_name[offered.name].append((offered, one))

    def find(self, wanted: RpmRelation) -> Placed | None:
        """Give who meets it: the package of that name before others, else by name."""
        meeting = [
            one for offered, one in self._by_name.get(wanted.name, ()) if wanted.is_met_by(offered)
        ]
        same = (one for one in meeting if one.file.name == wanted.name)
        return next(same, meeting[0] if meeting else None)


def _world(placed: Iterable[Placed], release: str, architecture: str) -> list[Placed]:
    fitting = {architecture, *EVERYWHERE}
    return [one for one in placed if release in one.releases and one.file.architecture in fitting]


def _follow(own: Sequence[Placed], offers: _Offers) -> list[Placed]:
    taken = _Offers(())
    for one in own:
        taken.add(one)
    added: list[Placed] = []
    waiting = list(reversed(own))
    while waiting:
        file = waiting.pop().file
        for wanted in _read(file, file.depends):
            if taken.find(wanted) is not None:
                continue
            found = offers.find(wanted)
            if found is not None:
                taken.add(found)
                added.append(found)
                waiting.append(found)
    return added


def _read(file: PackageFile, text: str) -> list[RpmRelation]:
    try:
        return list(parse_relations(text))
    except ValueError as error:
        raise ContentError(
            f"the relations of {file.name} {file.version} cannot be read: {error}",
            hint="read its source again",
        ) from error
