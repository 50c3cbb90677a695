"""A site whose settings pin signers, from git to what is in force (S24, S28)."""

from datetime import timedelta

import pytest

from reconciler.engine.desire import Desire, Followed, renew
from reconciler.engine.status import make_first_status
from reconciler.source.git import GitSource
from reconciler.source.signers import make_signers
from tests.corpora import document
from tests.repositories import Repository
from tests.signing import SshKey
from tests.worlds import BASICS, NOW, SITE

INES, OMAR = "ines@corp.example", "omar@corp.example"
POLICY = document("Policy", "two", f"{{minApprovers: 2, approvers: {{from: [{INES}, {OMAR}]}}}}")
UNVERIFIED = POLICY.replace("from:", "verified: false, from:")
NOT_AUTHOR = POLICY.replace("minApprovers: 2", "minApprovers: 1").replace(
    "from:", "notAuthor: true, from:"
)
AUTHORIZED = BASICS.replace(
    "spec: {group: rollup}", f"spec: {{group: rollup, approvedBy: [{INES}, {OMAR}]}}"
)


class Signed:
    """A repository, two keys, and what the site makes of each commit."""

    def __init__(self, folder):
        self.repository = Repository(folder / "origin")
        self.ines, self.omar = SshKey(folder, INES), SshKey(folder, OMAR)
        self._work = folder / "work"
        self.desire = Desire()

    def write(self, *texts):
        path = self.repository.path / "all.yaml"
        path.write_text("---\n".join(texts), encoding="utf-8")

    def read(self, *, pinned=None):
        lines = [self.ines.line(), self.omar.line()] if pinned is None else pinned
        source = GitSource(str(self.repository.path), "main", "", self._work)
        source.trusting(make_signers(lines, [], {}, b""))
        self.desire = renew(self.desire, Followed(source, SITE, timedelta(hours=1)), NOW)
        return self.desire


@pytest.fixture
def signed(tmp_path):
    return Signed(tmp_path)


def in_force(desire):
    return desire.in_force.commit if desire.in_force is not None else ""


def test_unsigned_commit_leaves_the_last_signed_one_in_force_and_status_says_why(signed):
    signed.write(BASICS)
    good = signed.repository.signed(signed.ines)
    signed.read()
    bad = signed.repository.commit()

    desire = signed.read()

    assert (in_force(desire), desire.attempted) == (good, bad)
    (told,) = make_first_status(desire, [])["revision"]["problems"]
    assert f"commit {bad[:12]}: error: it has no signature [PW2002]" in told


def test_commit_whose_key_has_expired_stays_in_force_and_no_new_one_comes(signed):
    signed.write(BASICS)
    good = signed.repository.signed(signed.ines)
    signed.read()
    expired = [signed.ines.line('valid-before="20251001"')]
    signed.desire = Desire(signed.desire.in_force)

    assert (in_force(signed.read(pinned=expired)), signed.desire.problems) == (good, ())
    signed.repository.signed(signed.ines, "later")
    assert "expired" in signed.read(pinned=expired).problems[0].message
    assert in_force(signed.desire) == good


def test_what_nobody_vouches_for_is_not_even_read(signed):
    signed.write("a: [")
    signed.repository.commit()

    assert [problem.code for problem in signed.read().problems] == ["PW2002"]


def test_policy_is_met_when_each_approver_signed(signed):
    signed.write(AUTHORIZED, POLICY)
    signed.repository.signed(signed.ines)
    newest = signed.repository.signed(signed.omar, f"agreed\n\nApproved-by: {OMAR}")

    assert in_force(signed.read()) == newest


def test_name_in_the_manifest_alone_is_refused(signed):
    signed.write(AUTHORIZED, POLICY)
    signed.repository.signed(signed.ines)

    (problem,) = signed.read().problems

    assert problem.code == "PW1120"
    assert problem.message.startswith("it has 1 verified approver, ")
    assert OMAR in problem.hint


def test_names_count_where_the_policy_says_unverified(signed):
    signed.write(AUTHORIZED, UNVERIFIED)
    newest = signed.repository.signed(signed.ines)

    assert in_force(signed.read()) == newest


def test_author_does_not_count_where_the_policy_says_so(signed):
    signed.write(AUTHORIZED, NOT_AUTHOR)
    signed.repository.signed(signed.ines)
    assert INES in signed.read().problems[0].hint

    newest = signed.repository.signed(signed.omar, f"agreed\n\nApproved-by: {OMAR}")
    assert in_force(signed.read()) == newest
