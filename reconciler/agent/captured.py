"""The captured content of one offer: what the manifest promises, brought onto the disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from reconciler.agent.content import Content, free_bytes
from reconciler.agent.errors import RunRefusedError
from reconciler.model.errors import ContentError
from reconciler.model.objects import ContentFile, PackageManifest
from reconciler.model.policy import Offer
from reconciler.model.run_reasons import Refusal

SPARE = 10 * 1024 * 1024
"""Bytes that stay free on a disk unless the machine's administrator says otherwise."""


def fetch_manifest(content: Content, offer: Offer) -> Mapping[str, ContentFile]:
    """Give the files of the offer's package by path; raises ContentError where it is another's."""
    manifest = content.fetch_document(PackageManifest, offer.manifest)
    if (manifest.package, manifest.version) != (offer.package, offer.version):
        raise ContentError(
            f"the manifest is of {manifest.package} version {manifest.version}, "
            f"not of {offer.package} version {offer.version}"
        )
    files = {file.path: file for file in manifest.files}
    wrong = [path for path in files if not is_plain(path)]
    if wrong:
        raise ContentError(f"the manifest has a wrong path: {wrong[0]!r:.200}")
    return files


def place_file(content: Content, file: ContentFile, folder: Path) -> Path:
    """Fetch a file, believe its digest alone, and put it below the folder."""
    found = content.fetch(file.sha256, file.size)
    target = folder / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(found, target)
    return target


def refuse_full(path: Path, needed: int, spare: int = SPARE) -> None:
    """Raise RunRefusedError unless the disk holds that many bytes and some to spare (H5)."""
    free = free_bytes(path)
    if free < needed + spare:
        raise RunRefusedError(
            Refusal.DISK_FULL, f"{free} bytes are free at {path}, and {needed + spare} are needed"
        )


def is_plain(path: str) -> bool:
    """Tell whether a path leads nowhere but below its folder."""
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts
