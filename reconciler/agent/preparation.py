"""Everything before a run that changes nothing on the machine: content, simulation, checks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reconciler.agent.content import free_bytes
from reconciler.agent.errors import RunRefusedError
from reconciler.agent.home import read_bounded
from reconciler.agent.judge import Inventory, group_by_name, packages_to_install
from reconciler.agent.machine import Machine
from reconciler.agent.simulation import Installation, Pin, check_simulation
from reconciler.model.errors import ContentError
from reconciler.model.objects import ContentFile, PackageManifest
from reconciler.model.policy import Offer
from reconciler.model.versions import dpkg_key

INDEX = "Packages"
_INDEX_LIMIT = 64 * 1024 * 1024
_SPARE = 10 * 1024 * 1024


@dataclass(frozen=True)
class Preparation:
    """What a run installs, and which of it was marked as automatically installed."""

    pins: tuple[Pin, ...]
    automatic: tuple[str, ...]


class Preparer:
    """Makes a private repository for one offer and asks apt what it would do with it."""

    def __init__(self, machine: Machine) -> None:
        self._root = machine.root
        self._dpkg = machine.dpkg
        self._apt = machine.apt
        self._repository = machine.repository
        self._content = machine.content

    def prepare(self, offer: Offer, missing: Collection[str]) -> Preparation:
        """Bring all that the run needs onto the disk.

        Raises RunRefusedError, ContentError where content is not what was promised, CommandError,
        and SiteUnreachableError where it may work later.
        """
        if self._dpkg.has_leftovers():
            self._dpkg.configure_all()
        installed = group_by_name(self._dpkg.list_installed())
        pins = choose_pins(offer, missing, installed)
        _refuse_held(pins, installed)
        files = self._fetch_manifest(offer)
        index = self._make_repository(files)
        simulation = self._apt.simulate(pins)
        offered = {package for update in offer.updates for package in update.packages}
        check_simulation(simulation, pins, offered)
        self._fetch_packages(simulation.installs, index, files)
        marked = self._apt.list_automatic()
        names = {name for name, _, _ in pins} | {f"{name}:{arch}" for name, arch, _ in pins}
        return Preparation(pins, tuple(sorted(marked & names)))

    def _fetch_manifest(self, offer: Offer) -> Mapping[str, ContentFile]:
        manifest = self._content.fetch_document(PackageManifest, offer.manifest)
        if (manifest.package, manifest.version) != (offer.package, offer.version):
            raise ContentError(
                f"the manifest is of {manifest.package} version {manifest.version}, "
                f"not of {offer.package} version {offer.version}"
            )
        files = {file.path: file for file in manifest.files}
        wrong = [path for path in files if not _is_plain(path)]
        if wrong or INDEX not in files:
            raise ContentError(f"the manifest has no {INDEX}, or a wrong path in {wrong[:1]}")
        return files

    def _make_repository(self, files: Mapping[str, ContentFile]) -> Mapping[Pin, Paragraph]:
        shutil.rmtree(self._repository.path, ignore_errors=True)
        self._repository.make()
        index = files[INDEX]
        self._place(index)
        self._apt.update()
        text = read_bounded(self._repository.files / INDEX, _INDEX_LIMIT).decode(errors="replace")
        return parse_index(text)

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
        _refuse_full(self._repository.path, sum(file.size for file in wanted))
        _refuse_full(self._root, sum(paragraph.installed_size for paragraph in paragraphs))
        for file in wanted:
            self._place(file)

    def _place(self, file: ContentFile) -> None:
        found = self._content.fetch(file.sha256, file.size)
        target = self._repository.files / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(found, target)


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


def choose_pins(offer: Offer, missing: Collection[str], installed: Inventory) -> tuple[Pin, ...]:
    """Choose the packages to install: of one package the highest version that is offered (S12a)."""
    chosen: dict[tuple[str, str], Pin] = {}
    for update in offer.updates:
        if update.id not in missing:
            continue
        for pin in packages_to_install(update.packages, installed):
            known = chosen.get(pin[:2])
            if known is None or dpkg_key(pin[2]) > dpkg_key(known[2]):
                chosen[pin[:2]] = pin
    return tuple(chosen[key] for key in sorted(chosen))


def _find(index: Mapping[Pin, Paragraph], install: Installation) -> Paragraph:
    paragraph = index.get(install.key)
    if paragraph is None:
        raise ContentError(f"{install.name} {install.version} is not in the captured content")
    return paragraph


def _refuse_held(pins: Collection[Pin], installed: Inventory) -> None:
    held = sorted({name for name, _, _ in pins for found in installed.get(name, ()) if found.held})
    if held:
        raise RunRefusedError("held", f"the machine's administrator holds {', '.join(held)}")


def _refuse_full(path: Path, needed: int) -> None:
    free = free_bytes(path)
    if free < needed + _SPARE:
        raise RunRefusedError(
            "diskFull", f"{free} bytes are free at {path}, and {needed + _SPARE} are needed"
        )


def _is_plain(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts
