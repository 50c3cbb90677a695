"""Everything before a run that changes nothing on the machine: content, simulation, checks."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.agent.apt.judging import DPKG_JUDGE
from reconciler.agent.apt.pinning import refuse_held, refuse_pinned
from reconciler.agent.apt.programs import Apt, Marks, PrivateRepository
from reconciler.agent.apt.simulation import Installation, check_simulation
from reconciler.agent.captured import fetch_manifest, place_file, refuse_full
from reconciler.agent.content import Content, digest_of_file
from reconciler.agent.errors import RunRefusedError
from reconciler.agent.home import read_bounded
from reconciler.agent.inventory import Inventory
from reconciler.agent.packages import Pin, Preparation
from reconciler.model.errors import ContentError
from reconciler.model.objects import DEB_INDEX, ContentFile
from reconciler.model.policy import Offer
from reconciler.model.run_reasons import Refusal

_INDEX_LIMIT = 64 * 1024 * 1024
# Where packages may put their files: each may be a disk of its own.
_PLACES = (".", "usr", "opt", "var", "var/lib/dpkg", "boot")
_SMALL = frozenset({"var/lib/dpkg", "boot"})


@dataclass(frozen=True)
class AptTools:
    """apt with each of its sources; `min_free` bytes stay free on every disk.

    `captured` and `pinned` see the captured content, the latter with the machine's preferences;
    `own` sees the machine's own sources.
    """

    captured: Apt
    pinned: Apt
    own: Apt
    marks: Marks
    min_free: int

    def of(self, *, own_sources: bool) -> Apt:
        """Choose what installs."""
        return self.own if own_sources else self.captured


class Preparer:
    """Asks apt what it would do with one offer, and brings the files for it onto the disk."""

    def __init__(
        self, root: Path, repository: PrivateRepository, content: Content, tools: AptTools
    ) -> None:
        self._root = root
        self._repository = repository
        self._content = content
        self._tools = tools

    def prepare(self, offer: Offer, missing: Collection[str], installed: Inventory) -> Preparation:
        """Bring all that the run needs onto the disk; raises as `PackageManager.prepare` does."""
        pins = DPKG_JUDGE.choose_pins(offer, missing, installed)
        if not pins:
            return Preparation((), ())
        refuse_held(pins, installed)
        files = fetch_manifest(self._content, offer)
        index = self._make_repository(files)
        refuse_pinned(pins, self._tools.pinned, self._tools.own)
        own_sources = offer.order.content == "repository"
        apt = self._tools.of(own_sources=own_sources)
        if own_sources:
            apt.update()
        simulation = apt.simulate(pins)
        offered = {package for update in offer.updates for package in update.packages}
        check_simulation(simulation, pins, offered)
        wanted = self._choose_files(simulation.installs, index, files)
        if own_sources:
            self._download(pins, wanted)
        else:
            for file in wanted:
                place_file(self._content, file, self._repository.files)
        marked = self._tools.marks.list_automatic()
        names = {name for name, _, _ in pins} | {f"{name}:{arch}" for name, arch, _ in pins}
        return Preparation(pins, tuple(sorted(marked & names)), own_sources)

    def _make_repository(self, files: Mapping[str, ContentFile]) -> Mapping[Pin, Paragraph]:
        if DEB_INDEX not in files:
            raise ContentError(f"the manifest has no {DEB_INDEX}")
        shutil.rmtree(self._repository.path, ignore_errors=True)
        self._repository.make()
        path = place_file(self._content, files[DEB_INDEX], self._repository.files)
        self._tools.captured.update()
        return parse_index(read_bounded(path, _INDEX_LIMIT).decode(errors="replace"))

    def _choose_files(
        self,
        installs: Collection[Installation],
        index: Mapping[Pin, Paragraph],
        files: Mapping[str, ContentFile],
    ) -> list[ContentFile]:
        """Give the captured files of what would be installed, if the disks have room for it."""
        paragraphs = [_find(index, install) for install in installs]
        wanted = []
        for paragraph in paragraphs:
            if paragraph.path not in files:
                raise ContentError(f"{paragraph.path} is in the index but not in the manifest")
            wanted.append(files[paragraph.path])
        spare = self._tools.min_free
        refuse_full(self._repository.path, sum(file.size for file in wanted), spare)
        unpacked = sum(paragraph.installed_size for paragraph in paragraphs)
        for place in _PLACES:
            refuse_full(self._root / place, 0 if place in _SMALL else unpacked, spare)
        return wanted

    def _download(self, pins: Sequence[Pin], wanted: Collection[ContentFile]) -> None:
        """Take the files from the machine's own sources, and believe their captured digests (S18).

        The simulation named exactly the wanted ones, so a file of another digest is the wrong one.
        """
        self._tools.own.download(pins)
        digests = {file.sha256 for file in wanted}
        for deb in sorted(self._repository.path.glob("cache/archives/*.deb")):
            if digest_of_file(deb) not in digests:
                raise RunRefusedError(
                    Refusal.CONTENT_INCOMPLETE,
                    f"the machine's own sources have another {deb.name} than was captured",
                )


@dataclass(frozen=True)
class Paragraph:
    """What the index says of one .deb: where it lies, and the bytes it takes when installed."""

    path: str
    installed_size: int


def parse_index(text: str) -> dict[Pin, Paragraph]:
    """Read a Packages file into paragraphs by name, architecture and version."""
    index = {}
    for block in text.split("\n\n"):
        pairs = (line.partition(":") for line in block.splitlines() if line[:1].strip())
        fields = {name.lower(): value.strip() for name, _, value in pairs}
        key = (fields.get("package", ""), fields.get("architecture", ""), fields.get("version", ""))
        path = fields.get("filename", "")
        size = fields.get("installed-size", "0")
        kibibytes = int(size) if size.isascii() and size.isdigit() else 0
        if all(key) and path:
            index[key] = Paragraph(path.removeprefix("./"), kibibytes * 1024)
    return index


def _find(index: Mapping[Pin, Paragraph], install: Installation) -> Paragraph:
    paragraph = index.get(install.key)
    if paragraph is None:
        raise ContentError(f"{install.name} {install.version} is not in the captured content")
    return paragraph
