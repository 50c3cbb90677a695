"""Builds real Debian packages from a description of what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from reconciler.demo.commands import LabError, run_or_raise

Script = Literal["preinst", "postinst", "prerm", "postrm"]

# Clamps every time in the package, so that one description always gives the same bytes.
_BUILT_AT = "1700000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class DebPackage:
    """One binary package: what its control file says, and what it installs.

    Keys of `files` are paths below the root without a leading slash; a text that begins
    with `#!` becomes executable. `conffiles` names some of them. `fields` are further
    control fields, such as `Multi-Arch` or `Breaks`.
    """

    name: str
    version: str
    source: str = ""
    source_version: str = ""
    architecture: str = "all"
    section: str = "misc"
    depends: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    conffiles: tuple[str, ...] = ()
    scripts: Mapping[Script, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def source_name(self) -> str:
        return self.source or self.name

    @property
    def file_name(self) -> str:
        """Name in the pool: the version is written without its epoch, as archives do."""
        version = self.version.partition(":")[2] or self.version
        return f"{self.name}_{version}_{self.architecture}.deb"


def host_architecture() -> str:
    """Return Debian's name of this machine's architecture, as `amd64`."""
    return run_or_raise(["dpkg", "--print-architecture"]).strip()


def build_deb(package: DebPackage, directory: Path) -> Path:
    """Write the package into the directory and return the path of the .deb."""
    missing = sorted(set(package.conffiles) - set(package.files))
    if missing:
        raise LabError(f"package {package.name} has conffiles without content: {missing}")
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / package.file_name
    with TemporaryDirectory(prefix="patchwright-deb-") as name:
        tree = Path(name)
        _write_tree(package, tree)
        run_or_raise(
            ["dpkg-deb", "--build", "--root-owner-group", tree, target],
            environment={"SOURCE_DATE_EPOCH": _BUILT_AT},
        )
    return target


def render_control(package: DebPackage) -> str:
    fields = {
        "Package": package.name,
        "Source": _render_source(package),
        "Version": package.version,
        "Architecture": package.architecture,
        "Section": package.section,
        "Priority": "optional",
        "Maintainer": "Patchwright Lab <lab@patchwright.invalid>",
        "Depends": ", ".join(package.depends),
        **package.fields,
        "Description": f"{package.name} of the Patchwright lab",
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def _render_source(package: DebPackage) -> str:
    """Say the source only where it differs from the binary, as dpkg does."""
    if package.source_version and package.source_version != package.version:
        return f"{package.source_name} ({package.source_version})"
    return "" if package.source_name == package.name else package.source_name


def _write_tree(package: DebPackage, tree: Path) -> None:
    tree.chmod(0o755)
    control = tree / "DEBIAN"
    _write(control / "control", render_control(package))
    if package.conffiles:
        _write(control / "conffiles", "".join(f"/{path}\n" for path in package.conffiles))
    for script, text in package.scripts.items():
        _write(control / script, text if text.startswith("#!") else f"#!/bin/sh\nset -e\n{text}\n")
    for path, text in package.files.items():
        _write(tree / path, text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755 if text.startswith("#!") else 0o644)
