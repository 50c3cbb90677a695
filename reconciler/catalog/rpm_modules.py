"""Which stream of which module a build belongs to, by a repository's modules metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import yaml

from reconciler.model.updates import PackageFile
from reconciler.model.versions import render_evr

Build = tuple[str, str, str]
"""Name, version and architecture of a package."""
_STREAM = re.compile(r"[A-Za-z0-9._+-]{1,100}:[A-Za-z0-9._+-]{1,100}", re.ASCII)
_NEVRA = re.compile(r"(.+)-([0-9]+):([^-:]+)-([^-:]+)\.([a-z0-9_]+)", re.ASCII)
_MARK = ".module"


def parse_modules(content: bytes) -> Mapping[Build, str]:
    """Give `name:stream` for each build that some stream lists; raises ValueError."""
    found: dict[Build, str] = {}
    try:
        # Aliases are never copied here, so they cannot make much of little.
        for document in yaml.load_all(content, Loader=yaml.CSafeLoader):  # it is safe
            found.update(_builds_of(document))
    except (yaml.YAMLError, RecursionError) as error:
        message = f"it is no YAML: {str(error).partition(chr(10))[0]}"
        raise ValueError(message) from error
    return found


def stream_name(name: object, stream: object) -> str:
    """Give `name:stream`; nothing where the two are no names."""
    text = f"{name}:{stream}"
    return text if _STREAM.fullmatch(text) else ""


def key_of(file: PackageFile) -> Build:
    """Give what names this build."""
    return file.name, file.version, file.architecture


def looks_modular(version: str) -> bool:
    """Tell by its release that a build belongs to a module."""
    return _MARK in version


def _builds_of(document: object) -> Iterator[tuple[Build, str]]:
    if not isinstance(document, dict) or document.get("document") != "modulemd":
        return
    data = document.get("data")
    if not isinstance(data, dict):
        return
    stream = stream_name(data.get("name"), data.get("stream"))
    artifacts = data.get("artifacts")
    rpms = artifacts.get("rpms") if isinstance(artifacts, dict) else None
    for text in rpms if stream and isinstance(rpms, list) else ():
        match = _NEVRA.fullmatch(text) if isinstance(text, str) else None
        if match is not None:
            name, epoch, version, release, architecture = match.groups()
            yield (name, render_evr(epoch, version, release), architecture), stream
