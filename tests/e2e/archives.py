"""An archive written by hand and signed by a key of its own, to make it wrong in one place."""

import gzip
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from reconciler.demo.signing import SigningKey
from reconciler.model.ids import sha256_hex

NOW = datetime(2025, 9, 1, tzinfo=UTC)
SUITE = "bookworm-security"
INDEX = "main/binary-amd64/Packages.gz"
PARAGRAPH = f"""\
Package: app
Version: 1.0
Architecture: amd64
Filename: pool/app.deb
Size: 10
SHA256: {"a" * 64}
Description: an application
"""
RELEASE = {
    "Origin": "Lab",
    "Codename": SUITE,
    "Architectures": "amd64",
    "Components": "main",
    "Valid-Until": "Mon, 08 Sep 2025 00:00:00 UTC",
}


class FixedClock:
    """Shows the instant at which the archive is valid."""

    def now(self):
        return NOW


@dataclass
class HandmadeArchive:
    """Files are written, then signed; what is changed afterwards is no longer vouched for."""

    folder: Path
    key: SigningKey
    release: dict[str, str] = field(default_factory=lambda: dict(RELEASE))
    index: bytes = field(default_factory=lambda: gzip.compress(PARAGRAPH.encode()))
    listed: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def suite(self):
        return self.folder / "dists" / SUITE

    def write(self, *, inline=True, detached=False):
        """Write the index and sign its Release in one or both ways."""
        (self.suite / INDEX).parent.mkdir(parents=True, exist_ok=True)
        (self.suite / INDEX).write_bytes(self.index)
        listed = {INDEX: (sha256_hex(self.index), len(self.index)), **self.listed}
        table = "".join(f"\n {digest} {size} {path}" for path, (digest, size) in listed.items())
        fields = "".join(f"{name}: {text}\n" for name, text in self.release.items())
        release = self.suite / "Release"
        release.write_text(f"{fields}SHA256:{table}\n")
        if inline:
            self.key.sign_inline(release, self.suite / "InRelease")
        if detached:
            self.key.sign_detached(release, self.suite / "Release.gpg")
