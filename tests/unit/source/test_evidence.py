"""Who is proven to have approved a file (S24)."""

import pytest

from reconciler.model.approvals import Approvals
from reconciler.model.errors import SettingsError
from reconciler.source.git import GitSource
from reconciler.source.signers import make_signers, with_recorders
from tests.repositories import Repository
from tests.signing import SshKey

pytestmark = pytest.mark.timeout(60)  # keys are made, and programs of the host run
INES, OMAR = "ines@corp.example", "omar@corp.example"
PATH = "month.yaml"
APPROVED = f"approvedBy: [{INES}, {OMAR}] # minApprovers"


@pytest.fixture
def ines(tmp_path):
    return SshKey(tmp_path, INES)


@pytest.fixture
def omar(tmp_path):
    return SshKey(tmp_path, OMAR)


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "origin")


@pytest.fixture
def proven(repository, tmp_path, ines, omar):
    def read():
        signers = make_signers([ines.line(), omar.line()], [], {}, b"")
        source = GitSource(str(repository.path), "main", "", tmp_path / "work").trusting(signers)
        approvals = source.fetch().approvals
        assert approvals is not None
        return approvals[PATH]

    return read


def write(repository, text=APPROVED):
    (repository.path / PATH).write_text(text, encoding="utf-8")


def names(*them):
    return frozenset(them)


def test_whoever_signed_the_change_approves_it_and_is_its_author(repository, ines, proven):
    write(repository)
    repository.signed(ines)

    assert proven() == Approvals(names(INES), names(INES))


def test_trailer_in_an_unsigned_commit_proves_nothing(repository, proven):
    write(repository)
    repository.commit(message=f"change\n\nApproved-by: {OMAR}")

    assert proven().approvers == names()


def test_trailer_with_the_name_of_somebody_else_proves_nothing(repository, ines, proven):
    write(repository)
    repository.signed(ines, f"change\n\nReviewed-by: {OMAR}")

    assert proven().approvers == names(INES)


@pytest.mark.parametrize("trailer", ["Approved-by: {}", "reviewed-by: Omar <{}>"])
def test_signed_commit_that_names_its_signer_approves_what_it_holds(
    repository, ines, omar, proven, trailer
):
    write(repository)
    repository.signed(ines)
    repository.signed(omar, "agreed\n\n" + trailer.format(OMAR))

    assert proven() == Approvals(names(INES, OMAR), names(INES))


def test_signed_merge_that_names_its_signer_approves_the_branch(repository, ines, omar, proven):
    repository.commit(other="x")
    repository.git("checkout", "--quiet", "-b", "change")
    write(repository)
    repository.signed(ines)
    repository.git("checkout", "--quiet", "main")
    message = f"--message=merge\n\nApproved-by: {OMAR}"
    repository.git(*omar.options, "merge", "--quiet", "--no-ff", "-S", message, "change")

    assert proven() == Approvals(names(INES, OMAR), names(INES))


def test_signed_commit_without_a_trailer_approves_only_what_it_changes(
    repository, ines, omar, proven
):
    write(repository)
    repository.signed(ines)
    (repository.path / "other.yaml").write_text("a: 1", encoding="utf-8")
    repository.signed(omar)

    assert proven().approvers == names(INES)


def test_signed_tag_of_a_reviewed_head_approves_what_a_squash_left_of_it(
    repository, ines, omar, proven
):
    repository.commit(other="x")
    repository.git("checkout", "--quiet", "-b", "change")
    write(repository)
    repository.commit()
    message = f"--message=reviewed\n\nApproved-by: {OMAR}"
    repository.git(*omar.options, "tag", "--sign", message, "review-1")
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", "--squash", "change")
    repository.signed(ines, "squashed")

    assert proven().approvers == names(INES, OMAR)


class TestRecorder:
    """A CI with a key of its own tells by tags which reviews its forge recorded."""

    CI = "ci@corp.example"

    @pytest.fixture
    def ci(self, tmp_path):
        return SshKey(tmp_path, self.CI)

    @pytest.fixture
    def recorded(self, repository, tmp_path, ines, ci):
        def read(*recorders):
            signers = make_signers([ines.line(), ci.line()], [], {}, b"")
            signers = with_recorders(signers, recorders)
            source = GitSource(str(repository.path), "main", "", tmp_path / "work")
            approvals = source.trusting(signers).fetch().approvals
            assert approvals is not None
            return approvals[PATH].approvers

        return read

    @pytest.fixture
    def tagged(self, repository, ci):
        write(repository)
        repository.commit()
        message = f"--message=reviews\n\nReviewed-by: {OMAR}\nReviewed-by: Ines <{INES}>"
        repository.git(*ci.options, "tag", "--sign", message, "reviews/1")

    @pytest.mark.usefixtures("tagged")
    def test_tag_of_a_recorder_approves_for_all_whom_it_names(self, recorded):
        assert recorded(self.CI.upper()) == names(INES, OMAR)

    @pytest.mark.usefixtures("tagged")
    def test_tag_of_another_signer_approves_for_nobody_else(self, recorded):
        assert recorded() == recorded(INES) == names()

    @pytest.mark.usefixtures("tagged")
    def test_record_is_of_the_file_as_it_was(self, repository, recorded):
        write(repository, APPROVED + " # later")
        repository.commit()

        assert recorded(self.CI) == names()

    def test_commit_of_a_recorder_approves_for_nobody_else(self, repository, ci, recorded):
        """Whoever merges writes the message that the forge signs."""
        write(repository)
        repository.signed(ci, f"Merge\n\nReviewed-by: {OMAR}")

        assert recorded(self.CI) == names(self.CI)

    def test_recorder_has_to_have_a_key(self, ines):
        with pytest.raises(SettingsError, match="has no key"):
            with_recorders(make_signers([ines.line()], [], {}, b""), [self.CI])


def test_change_after_the_approval_takes_it_away(repository, ines, omar, proven):
    write(repository)
    repository.signed(omar, f"agreed\n\nApproved-by: {OMAR}")
    write(repository, APPROVED + " more")
    repository.signed(ines)

    assert proven() == Approvals(names(INES), names(INES))


def test_author_whom_the_commit_names_is_an_author_beside_the_key(repository, ines, proven):
    write(repository)
    repository.signed(ines, "change", f"--author=Omar <{OMAR}>")

    assert proven().authors == names(INES, OMAR)


def test_nothing_is_looked_for_where_no_policy_asks(repository, ines, tmp_path):
    write(repository, "approvedBy: [a]")
    repository.signed(ines)

    fetched = GitSource(str(repository.path), "main", "", tmp_path / "work").fetch()

    assert (fetched.approvals, fetched.vouching) == ({}, None)
