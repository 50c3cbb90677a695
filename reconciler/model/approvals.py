"""Who signed what: the evidence that git gives of a revision and of its documents (S24)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Vouching:
    """The verdict on a revision's signature: who vouches for it, or why nobody does.

    `signer` is the name that the site's settings give the key. `lapsed` tells that the signature
    was good when, by its own word, it was made, and that it or its key has expired since.
    """

    signer: str = ""
    refusal: str = ""
    lapsed: bool = False

    @property
    def accepted(self) -> bool:
        """Tell whether a pinned key vouches for it now."""
        return bool(self.signer) and not self.refusal

    @property
    def vouched(self) -> str:
        """The name that vouched for it when it was signed; nothing where nobody did."""
        return self.signer if self.accepted or self.lapsed else ""


@dataclass(frozen=True)
class Approvals:
    """Who is proven to have approved a file as it stands, and who brought it to that.

    Names are folded for comparison. `authors` has the names that commits give and those of the
    keys that signed them.
    """

    approvers: frozenset[str] = frozenset()
    authors: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ApprovedUpdates:
    """The updates that an approval of an authorization is about: those that it held then.

    `digest` is of the Authorization as it was approved; another text is another approval.
    """

    authorization: str
    digest: str
    updates: tuple[str, ...]
