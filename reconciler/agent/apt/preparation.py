"""Everything before a run that changes nothing on the machine: content, simulation, checks."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.agent.apt.judging import DPKG_JUDGE
from reconciler.agent.apt.programs import Apt, PrivateRepository
from reconciler.agent.apt.simulation import Installation, check_simulation
from reconciler.agent.captured import fetch_manifest, place_file, refuse_full
from reconciler.agent.content import Content
from reconciler.agent.errors import RunRefusedError
from reconciler.agent.home import read_bounded
from reconciler.agent.inventory import Inventory
from reconciler.agent.packages import Pin, Preparation
from reconciler.model.errors import ContentError
from reconciler.model.objects import DEB_INDEX, ContentFile
from reconciler.model.policy import Offer

_INDEX_LIMIT = 64 * 1024 * 1024


class Preparer:
    """Makes a private repository for one offer and asks apt what it would do with it."""

    def __init__(
        self, root: Path, apt: Apt, repository: PrivateRepository, content: Content
    ) -> None:
        self._root = root
        self._apt = apt
        self._repository = repository
        self._content = content

    def prepare(self, offer: Offer, missing: Collection[str], installed: Inventory) -> Preparation:
        """Bring all that the run needs onto the disk; raises as `PackageManager.prepare` does."""
        pins = DPKG_JUDGE.choose_pins(offer, missing, installed)
        _refuse_held(pins, installed)
        files = fetch_manifest(self._content, offer)
        index = self._make_repository(files)
        simulation = self._apt.simulate(pins)
        offered = {package for update in offer.updates for package in update.packages}
        check_simulation(simulation, pins, offered)
        self._fetch_packages(simulation.installs, index, files)
        marked = self._apt.list_automatic()
        names = {name for name, _, _ in pins} | {f"{name}:{arch}" for name, arch, _ in pins}
        return Preparation(pins, tuple(sorted(marked & names)))

    def _make_repository(self, files: Mapping[str, ContentFile]) -> Mapping[Pin, Paragraph]:
        if DEB_INDEX not in files:
            raise ContentError(f"the manifest has no {DEB_INDEX}")
        shutil.rmtree(self._repository.path, ignore_errors=True)
        self._repository.make()
        path = place_file(self._content, files[DEB_INDEX], self._repository.files)
        self._apt.update()
        return parse_index(read_bounded(path, _INDEX_LIMIT).decode(errors="replace"))

    def _fetch_packages(
        self,
        installs: Collection[Installation],
        index: Mapping[Pin, Paragraph],
        files: Mapping[str, ContentFile],
    ) -> None:
        paragraphs = [_find(index, install) for install in installs]
        wanted = []
        for paragraph in paragraphs:
            if paragraph.path not in files:
                raise ContentError(f"{paragraph.path} is in the index but not in the manifest")
            wanted.append(files[paragraph.path])
        refuse_full(self._repository.path, sum(file.size for file in wanted))
        refuse_full(self._root, sum(paragraph.installed_size for paragraph in paragraphs))
        for file in wanted:
            place_file(self._content, file, self._repository.files)


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


def _refuse_held(pins: Collection[Pin], installed: Inventory) -> None:
    held = sorted({name for name, _, _ in pins for found in installed.get(name, ()) if found.held})
    if held:
        raise RunRefusedError("held", f"the machine's administrator holds {', '.join(held)}")
