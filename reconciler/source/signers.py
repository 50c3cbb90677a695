"""The keys that a site trusts to sign its repository: those of its settings, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.errors import SettingsError

_SSH_KEY = r"(?P<type>(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+)[ \t]+(?P<key>[A-Za-z0-9+/]{16,}={0,3})"
_OPTION = r'(?:valid-after|valid-before)="[0-9]{8}(?:[0-9]{4}(?:[0-9]{2})?)?Z?"|namespaces="git"'
_SIGNER = re.compile(
    rf"(?P<name>[^\s,*?!\"#]+)[ \t]+(?:(?:{_OPTION})(?:,(?:{_OPTION}))*[ \t]+)?{_SSH_KEY}"
    r"(?:[ \t][^\r\n]*)?"
)
_REVOKED = re.compile(rf"{_SSH_KEY}(?:[ \t][^\r\n]*)?")
_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")


@dataclass(frozen=True, slots=True)
class Signers:
    """SSH keys in the form of ssh-keygen's allowed signers, and OpenPGP keys by fingerprint.

    `openpgp` gives the name of each fingerprint, in capitals; `keyring` the bytes of its keys.
    `recorders` are the names, folded, whose tags tell what a forge recorded of others.
    """

    ssh: tuple[str, ...] = ()
    ssh_revoked: tuple[str, ...] = ()
    openpgp: Mapping[str, str] = field(default_factory=dict)
    keyring: bytes = b""
    recorders: frozenset[str] = frozenset()

    def names(self) -> frozenset[str]:
        """Give the names that have a key, folded."""
        known = [*(line.split()[0] for line in self.ssh), *self.openpgp.values()]
        return frozenset(name.casefold() for name in known)


def make_signers(
    ssh: Iterable[str], ssh_revoked: Iterable[str], openpgp: Mapping[str, str], keyring: bytes
) -> Signers:
    """Check what the settings pin; raises SettingsError.

    `openpgp` gives the fingerprint of each name.
    """
    made = Signers(
        tuple(_checked(line, _SIGNER, "NAME TYPE KEY, one name a line") for line in ssh),
        tuple(_checked(line, _REVOKED, "TYPE KEY") for line in ssh_revoked),
        {_fingerprint(text): name for name, text in openpgp.items()},
        keyring,
    )
    if not made.ssh and not made.openpgp:
        raise SettingsError("source.verify names no key", hint="name a key in ssh or openpgp")
    return made


def with_recorders(signers: Signers, names: Iterable[str]) -> Signers:
    """Name those who record for others; raises SettingsError for one without a key."""
    recorders = frozenset(name.casefold() for name in names)
    unknown = sorted(recorders - signers.names())
    if unknown:
        message = f"source.verify.recorders: {unknown[0]!r:.100} has no key in ssh or openpgp"
        raise SettingsError(message, hint="pin a key of that name")
    return replace(signers, recorders=recorders)


def _checked(line: str, form: re.Pattern[str], wanted: str) -> str:
    text = line.strip()
    if form.fullmatch(text) is None:
        message = f"source.verify: {text!r:.100} is no line of a key"
        hint = f"write {wanted}; patterns and certificate authorities are not taken"
        raise SettingsError(message, hint=hint)
    return text


def _fingerprint(text: str) -> str:
    plain = text.replace(" ", "").upper()
    if _FINGERPRINT.fullmatch(plain) is None:
        message = f"source.verify: {text!r:.100} is no whole fingerprint"
        raise SettingsError(message, hint="write the 40 digits that `gpg --fingerprint` prints")
    return plain
