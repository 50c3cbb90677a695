"""Advisories and packages of rpm repositories, joined into updates that have files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.catalog.rpm_modules import Build, key_of, looks_modular
from reconciler.catalog.rpm_primary import ListedRpm
from reconciler.catalog.updateinfo import Advisory
from reconciler.model.updates import PackageFix, Update
from reconciler.ports import SetAside

_NO_STREAM = "it belongs to a module, and no metadata says to which stream"


@dataclass(frozen=True, slots=True)
class Joiner:
    """Makes updates of what one source's repositories hold together.

    `releases` are the operating-system releases that they are for, `location` is the URL below
    which the paths of all packages lie.
    """

    source: str
    location: str
    releases: tuple[str, ...]

    def join(
        self, advisories: Iterable[Advisory], rpms: Iterable[ListedRpm]
    ) -> tuple[tuple[Update, ...], tuple[SetAside, ...]]:
        """Give one update for each advisory, and one for each source package without any.

        An advisory's packages that the repositories no longer hold become fixes without files.
        """
        merged = _merge(advisories)
        streams = {build: stream for one in merged for build, stream in one.builds if stream}
        known, aside = _index(rpms, streams)
        named = {build for one in merged for build, _ in one.builds}
        made = [self._of_advisory(one, known) for one in merged]
        made += self._of_sources(rpm for build, rpm in known.items() if build not in named)
        return tuple(sorted(made, key=lambda update: update.id)), aside

    def _of_advisory(self, advisory: Advisory, known: Mapping[Build, ListedRpm]) -> Update:
        builds = sorted({build for build, _ in advisory.builds})
        found = [known[build] for build in builds if build in known]
        names = sorted({one.source for one in found}, key=lambda name: (len(name), name))
        names = names or sorted({name for name, _, _ in builds}, key=lambda one: (len(one), one))
        streams = {stream for _, stream in advisory.builds if stream}
        streams |= {one.file.module for one in found if one.file.module}
        return Update(
            id=advisory.id,
            source=self.source,
            product=names[0],
            products=(*names[1:], *sorted(streams)),
            version="",
            release=self.releases,
            classification=advisory.classification,
            packages=tuple(one.file for one in found),
            location=self.location,
            severity=advisory.severity,
            released_at=advisory.issued_at,
            modified_at=advisory.updated_at,
            title=advisory.title or f"{names[0]} {advisory.id}",
            cves=advisory.cves,
            links=advisory.links,
            fixes=tuple(
                sorted(self._fixes(builds, known), key=lambda one: (one.name, one.version))
            ),
        )

    def _fixes(self, builds: Iterable[Build], known: Mapping[Build, ListedRpm]) -> set[PackageFix]:
        ecosystem = ":".join(self.releases[0].rsplit("-", 1))
        return {PackageFix(ecosystem, build[0], build[1]) for build in builds if build not in known}

    def _of_sources(self, rpms: Iterable[ListedRpm]) -> Iterator[Update]:
        groups: defaultdict[tuple[str, str, str], list[ListedRpm]] = defaultdict(list)
        for one in rpms:
            groups[one.source, one.source_version, one.file.module].append(one)
        for (source, version, module), found in sorted(groups.items()):
            chosen = sorted(found, key=lambda one: key_of(one.file))
            name = f"{source}@{module}" if module else source
            yield Update(
                id=f"rpm:{self.source}/{name}/{version}",
                source=self.source,
                product=source,
                products=(module,) if module else (),
                version=version,
                release=self.releases,
                classification="update",
                packages=tuple(one.file for one in chosen),
                location=self.location,
                title=chosen[0].summary or f"{source} {version}",
            )


def _merge(advisories: Iterable[Advisory]) -> Sequence[Advisory]:
    """Join what several repositories say of one advisory; each knows only its own packages."""
    merged: dict[str, Advisory] = {}
    for one in advisories:
        other = merged.get(one.id)
        if other is None:
            merged[one.id] = one
        else:
            builds = tuple(dict.fromkeys((*other.builds, *one.builds)))
            merged[one.id] = replace(other, builds=builds)
    return list(merged.values())


def _index(
    rpms: Iterable[ListedRpm], streams: Mapping[Build, str]
) -> tuple[dict[Build, ListedRpm], tuple[SetAside, ...]]:
    known: dict[Build, ListedRpm] = {}
    aside: list[SetAside] = []
    for one in rpms:
        file = one.file
        module = file.module or streams.get(key_of(file), "")
        if looks_modular(file.version) and not module:
            aside.append(SetAside(file.path, f"{file.name}-{file.version}", _NO_STREAM))
        else:
            known.setdefault(key_of(file), replace(one, file=replace(file, module=module)))
    return known, tuple(aside)
