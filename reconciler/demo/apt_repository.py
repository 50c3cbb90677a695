"""A real, signed apt repository whose key lives only as long as it does."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self

from reconciler.demo.commands import run_or_raise
from reconciler.demo.deb import DebPackage, build_deb, host_architecture
from reconciler.demo.signing import SigningKey

ORIGIN = "Lab"
COMPONENT = "main"
# MD5 and SHA256, as Debian's own archive; apt looks files up by the strongest one.
_DIGESTS = ("--option=APT::FTPArchive::SHA1=false", "--option=APT::FTPArchive::SHA512=false")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A published package: its paragraph of the index, and its file below `public`."""

    stanza: str
    file: Path


class AptRepository:
    """Suites of packages below `public`, with `dists/` and `pool/` as mirrors have them.

    A suite whose name ends in `-security` has the label `Lab-Security`, any other `Lab`.
    Each suite has a pool of its own. Close it to destroy the key; the files stay.
    """

    def __init__(self, path: Path) -> None:
        self.public = path / "public"
        self.keyring = path / "archive-key.gpg"
        self._draft = path / "draft"
        self._architecture = host_architecture()
        self._suites: dict[str, dict[str, _Entry]] = {}
        self.public.mkdir(parents=True)
        self._key = SigningKey()
        self._key.export(self.keyring)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what runs for the key; may be repeated. Nothing can be published afterwards."""
        self._key.close()

    def publish(
        self,
        suite: str,
        packages: Sequence[DebPackage] = (),
        *,
        built: Mapping[str, Path] = MappingProxyType({}),
        drop: Collection[str] = (),
        keep_old: bool = True,
    ) -> None:
        """Add packages to a suite, take others out by name, then index and sign it anew.

        The index holds one version of a name: the one published last. A file that left the
        index stays in the pool unless `keep_old` is false, as on a mirror that moved on. `built`
        are .debs that exist already, by the names of their packages.
        """
        entries = self._suites.setdefault(suite, {})
        before = {entry.file for entry in entries.values()}
        for name in drop:
            entries.pop(name, None)
        for package in packages:
            pool = self._pool(suite, package.source_name)
            entries[package.name] = self._describe(build_deb(package, pool))
        for name, path in built.items():
            pool = self._pool(suite, name)
            pool.mkdir(parents=True, exist_ok=True)
            entries[name] = self._describe(Path(shutil.copy2(path, pool)))
        self._write_index(suite, entries)
        if not keep_old:
            self._delete(before - {entry.file for entry in entries.values()})

    def _pool(self, suite: str, source: str) -> Path:
        prefix = source[:4] if source.startswith("lib") else source[:1]
        return self.public / "pool" / suite / COMPONENT / prefix / source

    def _describe(self, path: Path) -> _Entry:
        file = path.relative_to(self.public)
        # The index names a file as it is named here: below the root of the archive.
        command = ["apt-ftparchive", *_DIGESTS, "packages", str(file)]
        stanza = run_or_raise(command, directory=self.public)
        return _Entry(stanza.strip(), file)

    def _write_index(self, suite: str, entries: dict[str, _Entry]) -> None:
        """Index and sign in a draft, then move it into place, what is signed before its seal.

        A reader that took the old seal finds its files by hash even while this runs.
        """
        index = Path(COMPONENT, f"binary-{self._architecture}")
        draft, dist = self._draft / suite, self.public / "dists" / suite
        _write_packages(draft / index, (entries[name].stanza for name in sorted(entries)))
        seals = self._write_seals(suite, draft)
        _publish_packages(draft / index, dist / index)
        for seal in seals:
            seal.replace(dist / seal.name)
        shutil.rmtree(draft)

    def _write_seals(self, suite: str, draft: Path) -> tuple[Path, ...]:
        options = _render_release_options(suite, self._architecture)
        text = run_or_raise(["apt-ftparchive", *_DIGESTS, *options, "release", draft])
        release, detached, inline = (
            draft / name for name in ("Release", "Release.gpg", "InRelease")
        )
        release.write_text(text, encoding="utf-8")
        self._key.sign_detached(release, detached)
        self._key.sign_inline(release, inline)
        return release, detached, inline

    def _delete(self, files: Iterable[Path]) -> None:
        for file in files:
            (self.public / file).unlink()


def _render_release_options(suite: str, architecture: str) -> list[str]:
    fields = {
        "Origin": ORIGIN,
        "Label": "Lab-Security" if suite.endswith("-security") else "Lab",
        "Suite": suite,
        "Codename": suite,
        "Components": COMPONENT,
        "Architectures": architecture,
        "Acquire-By-Hash": "yes",
    }
    return [f"--option=APT::FTPArchive::Release::{name}={value}" for name, value in fields.items()]


def _write_packages(directory: Path, stanzas: Iterable[str]) -> None:
    text = "".join(f"{stanza}\n\n" for stanza in stanzas).encode()
    directory.mkdir(parents=True)
    (directory / "Packages").write_bytes(text)
    (directory / "Packages.gz").write_bytes(gzip.compress(text, mtime=0))
    (directory / "Packages.xz").write_bytes(lzma.compress(text))


def _publish_packages(draft: Path, target: Path) -> None:
    by_hash = target / "by-hash" / "SHA256"
    by_hash.mkdir(parents=True, exist_ok=True)
    for file in sorted(draft.iterdir()):
        shutil.copyfile(file, by_hash / hashlib.sha256(file.read_bytes()).hexdigest())
        file.replace(target / file.name)
