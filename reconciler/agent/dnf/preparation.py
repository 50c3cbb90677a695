"""Everything before a run that changes nothing on the machine: content, simulation, checks."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from reconciler.agent.captured import fetch_manifest, place_file, refuse_full
from reconciler.agent.content import Content, digest_of_file
from reconciler.agent.dnf.holds import refuse_disabled, refuse_kept
from reconciler.agent.dnf.programs import Dnf, PrivateRepository
from reconciler.agent.dnf.transaction import check_transaction
from reconciler.agent.errors import RunRefusedError
from reconciler.agent.inventory import Inventory
from reconciler.agent.packages import Pin, Preparation
from reconciler.model.errors import ContentError
from reconciler.model.objects import RPM_INDEX, ContentFile
from reconciler.model.policy import Offer
from reconciler.model.run_reasons import Refusal

_INDEX_FOLDER = "repodata/"


class Preparer:
    """Makes a private repository for one offer and asks dnf what it would do with it."""

    def __init__(
        self, root: Path, dnf: Dnf, repository: PrivateRepository, content: Content
    ) -> None:
        self._root = root
        self._dnf = dnf
        self._repository = repository
        self._content = content

    def prepare(self, offer: Offer, pins: Sequence[Pin], installed: Inventory) -> Preparation:
        """Bring all that the run needs onto the disk; raises as `PackageManager.prepare` does."""
        refuse_kept(self._root, pins)
        refuse_disabled(self._root, offer.updates, pins)
        files = fetch_manifest(self._content, offer)
        again = is_reinstall(pins, installed)
        self._make_repository(files)
        transaction = self._dnf.simulate(pins, again=again)
        offered = {pin for update in offer.updates for pin in update.packages}
        check_transaction(transaction, pins, offered, installed)
        refuse_kept(self._root, transaction.adds)
        wanted = [_find(pin, files) for pin in transaction.adds]
        refuse_full(self._repository.path, sum(file.size for file in wanted))
        if offer.order.content == "repository":
            self._download(transaction.adds, wanted, again=again)
        else:
            for file in wanted:
                place_file(self._content, file, self._repository.files)
        self._dnf.test(pins, again=again)
        return Preparation(tuple(pins), ())

    def _make_repository(self, files: Mapping[str, ContentFile]) -> None:
        if RPM_INDEX not in files:
            raise ContentError(f"the manifest has no {RPM_INDEX}")
        shutil.rmtree(self._repository.path, ignore_errors=True)
        self._repository.make()
        for path, file in files.items():
            if path.startswith(_INDEX_FOLDER):
                place_file(self._content, file, self._repository.files)

    def _download(self, adds: Sequence[Pin], wanted: Sequence[ContentFile], *, again: bool) -> None:
        """Take the files from the machine's own repositories, and believe their digests (S18).

        They go where captured ones would, so that nothing else can be installed.
        """
        self._dnf.download(adds, again=again)
        found = {digest_of_file(path): path for path in self._repository.downloads.glob("*.rpm")}
        for file in wanted:
            if file.sha256 not in found:
                raise RunRefusedError(
                    Refusal.CONTENT_INCOMPLETE,
                    f"the machine's own repositories have another {file.path} than was captured",
                )
            found[file.sha256].replace(self._repository.files / file.path)


def is_reinstall(pins: Sequence[Pin], installed: Inventory) -> bool:
    """Tell whether all of them are there in this very version, and only half-way."""
    return bool(pins) and all(
        any(
            one.architecture == architecture and one.version == version
            for one in installed.get(name, ())
        )
        for name, architecture, version in pins
    )


def _find(pin: Pin, files: Mapping[str, ContentFile]) -> ContentFile:
    name, architecture, version = pin
    path = f"{name}-{version}.{architecture}.rpm".replace(":", "_")
    if path not in files:
        raise RunRefusedError(Refusal.CONTENT_INCOMPLETE, f"{path} is not in the captured content")
    return files[path]
