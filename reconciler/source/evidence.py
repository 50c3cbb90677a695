"""What a repository proves: who signed a revision, and who approved its files (S24).

A file is approved by whoever signed, with a pinned key, the commit that brought it to what it
is; or a commit, or an annotated tag of one, whose message names that signer in a trailer
`Approved-by` or `Reviewed-by` and which holds the file as it is, to the byte. The tag of a
recorder, as a CI that reads the records of its forge, approves for all whom it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import git
from git.objects import Commit, TagObject

from reconciler.model.approvals import Approvals, Vouching
from reconciler.source.signed_objects import (
    LARGEST_OBJECT,
    SignedObject,
    split_commit,
    split_tag,
)
from reconciler.source.signers import Signers
from reconciler.source.verification import Verifier, make_verifier

MOST_COMMITS = 500
MOST_TAGS = 200
_MOST_CHANGES = 50
_TRAILERS = "^(approved|reviewed)-by:"
_ASKED, _APPROVED = b"minApprovers", b"approvedBy"
_TOO_LARGE = SignedObject(b"", b"", None, "it is larger than 1 MiB")
Evidence = tuple[Vouching | None, Mapping[str, Approvals]]


def read_evidence(
    repository: git.Repo,
    commit: Commit,
    files: Mapping[str, bytes],
    *,
    below: str,
    signers: Signers | None,
) -> Evidence:
    """Give who vouches for a commit, where signers are pinned, and the approvals of its files.

    Approvals are looked for only where a policy asks for approvers. Raises SourceError where
    signatures cannot be checked.
    """
    approved = [path for path, content in files.items() if _APPROVED in content]
    asked = any(_ASKED in content for content in files.values())
    with make_verifier(signers or Signers()) as verifier:
        recorders = signers.recorders if signers is not None else frozenset()
        witness = _Witness(repository, verifier, recorders)
        vouching = witness.vouching(commit) if signers is not None else None
        paths = approved if asked else []
        return vouching, _approvals(witness, commit, paths, below)


class _Witness:
    """Reads signed objects of a repository; each signature is checked once."""

    def __init__(self, repository: git.Repo, verifier: Verifier, recorders: frozenset[str]) -> None:
        self.repository = repository
        self._recorders = recorders
        self._verifier = verifier
        self.vouched = cache(self._vouched)

    def vouching(self, commit: Commit) -> Vouching:
        """Judge the commit's own signature, else those of the tags that name it."""
        own = self._verifier.verify(self._commit(commit))
        if own.accepted:
            return own
        tags = self.tags("--points-at", commit.hexsha)
        judged = (self._verifier.verify(tag) for named, tag in tags if named == commit.hexsha)
        return next((found for found in judged if found.accepted), own)

    def tags(self, *chosen: str) -> Iterator[tuple[str, SignedObject]]:
        """Give annotated tags, the newest first, with the commits that they name."""
        form = "--format=%(objectname) %(*objectname) %(*objecttype)"
        newest = ["--sort=-creatordate", f"--count={MOST_TAGS}"]
        listed = self.repository.git.for_each_ref(form, *newest, *chosen, "refs/tags")
        for line in listed.splitlines():
            tag, *named = line.split()
            if named[1:] == ["commit"]:
                found = TagObject(self.repository, bytes.fromhex(tag))
                parts = split_tag(self._raw(found.binsha), named[0])
                if parts is not None:
                    yield named[0], parts

    def approvers(self, commit: Commit) -> frozenset[str]:
        """Give those whom the commit's message names as its approvers."""
        return self._commit(commit).approvers

    def _vouched(self, commit: Commit) -> str:
        return self._verifier.verify(self._commit(commit)).vouched.casefold()

    def approvers_by_tag(self, tag: SignedObject) -> frozenset[str]:
        """Give who approves by a tag: its signer, or all whom a recorder names."""
        signer = self._verifier.verify(tag).vouched.casefold() if tag.approvers else ""
        return tag.approvers if signer in self._recorders else tag.approvers & {signer}

    def _commit(self, commit: Commit) -> SignedObject:
        raw = self._raw(commit.binsha)
        return split_commit(raw) if raw else _TOO_LARGE

    def _raw(self, binsha: bytes) -> bytes:
        stream = self.repository.odb.stream(binsha)
        # What is too large is read to its end, for the next answer comes behind it.
        content = bytes(stream.read())
        return content if len(content) <= LARGEST_OBJECT else b""


def _approvals(
    witness: _Witness, commit: Commit, paths: Iterable[str], below: str
) -> Mapping[str, Approvals]:
    found: dict[str, Approvals] = {}
    statements: list[tuple[Commit, str]] | None = None
    for path in paths:
        if statements is None:
            statements = list(_statements(witness, commit))
        whole = f"{below}/{path}" if below else path
        found[path] = _approvals_of(witness, commit, whole, statements)
    return found


def _statements(witness: _Witness, until: Commit) -> Iterator[tuple[Commit, str]]:
    """Give the commits that signers say to have approved, by commit or tag, with their names."""
    chosen = ["--extended-regexp", "--regexp-ignore-case", f"--grep={_TRAILERS}"]
    log = witness.repository.git.log(
        *chosen, f"--max-count={MOST_COMMITS}", "--format=%H", until.hexsha
    )
    for name in log.splitlines():
        commit = witness.repository.commit(name)
        signer = witness.vouched(commit)
        if signer in witness.approvers(commit):
            yield commit, signer
    for name, tag in witness.tags():
        for approver in sorted(witness.approvers_by_tag(tag)):
            yield witness.repository.commit(name), approver


def _approvals_of(
    witness: _Witness, commit: Commit, path: str, statements: list[tuple[Commit, str]]
) -> Approvals:
    blob = _blob(commit, path)
    makers = list(_makers(witness, commit, path, blob))
    signers = {witness.vouched(one) for one in makers} - {""}
    named = {str(one.author.email or "").casefold() for one in makers} - {""}
    agreed = {signer for one, signer in statements if _blob(one, path) == blob}
    return Approvals(frozenset(signers | agreed), frozenset(signers | named))


def _makers(witness: _Witness, until: Commit, path: str, blob: str) -> Iterator[Commit]:
    """Give the commits that brought a file to what it is."""
    log = witness.repository.git.log(
        "--full-history", f"--max-count={_MOST_CHANGES}", "--format=%H", until.hexsha, "--", path
    )
    for name in log.splitlines():
        commit = witness.repository.commit(name)
        if _blob(commit, path) == blob and all(_blob(one, path) != blob for one in commit.parents):
            yield commit


def _blob(commit: Commit, path: str) -> str:
    try:
        return str((commit.tree / path).hexsha)
    except KeyError:
        return ""
