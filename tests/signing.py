"""Real keys, and real signatures of git with them."""

import os
import subprocess
from pathlib import Path


def run(command, **environment):
    """Run a program of the host; its output as text."""
    own = {"PATH": os.environ["PATH"], "LC_ALL": "C", **environment}
    done = subprocess.run(command, env=own, check=True, capture_output=True, text=True)
    return done.stdout.strip()


class SshKey:
    """A key of ssh-keygen's, and how git signs with it."""

    def __init__(self, folder, name):
        self.name = name
        self._file = folder / f"ssh-{name}"
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self._file)])
        self.public = Path(f"{self._file}.pub").read_text(encoding="utf-8").strip()
        self.environment: dict[str, str] = {}

    @property
    def options(self):
        return ["-c", "gpg.format=ssh", "-c", f"user.signingkey={self._file}"]

    def line(self, options=""):
        """The key as source.verify.ssh pins it."""
        return " ".join(filter(None, [self.name, options, self.public]))


class OpenPgpKey:
    """A key in a gpg home of its own. Stop its agent with `close`."""

    def __init__(self, folder, name, *, expires="never", made_at="20250101T000000"):
        self.name = name
        self.home = folder / f"gpg-{len(list(folder.iterdir()))}"
        self.home.mkdir(mode=0o700)
        self.environment = {"GNUPGHOME": str(self.home)}
        self._signs_with = "gpg"
        self._gpg(
            "--faked-system-time", made_at, "--passphrase", "", "--quick-gen-key",
            f"{name} <{name}>", "ed25519", "sign", expires,
        )  # fmt: skip
        listed = self._gpg("--list-keys", "--with-colons").splitlines()
        self.fingerprint = next(one.split(":")[9] for one in listed if one.startswith("fpr:"))

    @property
    def options(self):
        chosen = ["-c", f"user.signingkey={self.fingerprint}"]
        return ["-c", "gpg.format=openpgp", "-c", f"gpg.program={self._signs_with}", *chosen]

    def sign_as_of(self, time):
        """Have git sign with a clock that stands at this time."""
        script = self.home / "gpg-then"
        script.write_text(
            f'#!/bin/sh\nexec gpg --faked-system-time {time} "$@"\n', encoding="utf-8"
        )
        script.chmod(0o700)
        self._signs_with = str(script)

    @property
    def exported(self):
        return self._gpg("--armor", "--export").encode() + b"\n"

    def revoke(self):
        """Take the certificate of revocation, which gpg wrote with the key, into the key."""
        path = self.home / "openpgp-revocs.d" / f"{self.fingerprint}.rev"
        text = path.read_text(encoding="utf-8").replace(":-----BEGIN", "-----BEGIN")
        path.write_text(text, encoding="utf-8")
        self._gpg("--import", str(path))

    def close(self):
        run(["gpgconf", "--kill", "gpg-agent"], **self.environment)

    def _gpg(self, *arguments):
        return run(["gpg", "--batch", "--no-tty", "--quiet", *arguments], **self.environment)
