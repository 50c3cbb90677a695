"""What commit messages grant, in real repositories (S23)."""

import pytest

from reconciler.model.grants import Grant
from reconciler.source import trailers
from reconciler.source.git import GitSource
from tests.corpora import document
from tests.repositories import Repository

EVERYONE = document("Collection", "everyone", "{query: {all: true}}")
SUBJECT = "Take the lab out\n\nIt moved.\n\n"


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "origin")


@pytest.fixture
def first(repository):
    return repository.commit(a=EVERYONE)


@pytest.fixture
def granted(repository, first, tmp_path):
    def read(applied=first):
        source = GitSource(str(repository.path), "main", "", tmp_path / "work")
        return source.fetch(applied).grants

    return read


def test_a_trailer_grants_its_number(repository, granted):
    commit = repository.commit(message=SUBJECT + "Allow-Prune: 12")

    assert granted() == (Grant(commit, 12),)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(SUBJECT + "allow-prune:7", id="case-and-space"),
        pytest.param(SUBJECT + "Signed-off-by: Ines\nAllow-Prune: 7\nRefs: 12", id="among-others"),
        pytest.param(SUBJECT + "Allow-Prune: 7\nAllow-Prune: 5", id="largest"),
        pytest.param(SUBJECT + "Allow-Prune:\n 7", id="folded"),
    ],
)
def test_trailers_are_read_as_git_reads_them(repository, granted, message):
    commit = repository.commit(message=message)

    assert granted() == (Grant(commit, 7),)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("Allow-Prune: 7", id="title"),
        pytest.param("Allow-Prune: 7\n\nis what it should say", id="not-last"),
        pytest.param(SUBJECT + "We never Allow-Prune: 7 here", id="prose"),
        pytest.param(SUBJECT + "Allow-Prune: many", id="no-number"),
        pytest.param(SUBJECT + "Allow-Prune: -7", id="negative"),
        pytest.param(SUBJECT + "Allow-Prune: \u0667", id="other-digits"),
        pytest.param(SUBJECT + "Allow-Prunes: 7", id="other-key"),
        pytest.param(SUBJECT + "> Allow-Prune: 7", id="quoted"),
    ],
)
def test_what_is_no_trailer_grants_nothing(repository, granted, message):
    repository.commit(message=message)

    assert granted() == ()


def test_every_commit_since_the_applied_one_counts_also_merged_ones(repository, granted):
    repository.git("checkout", "--quiet", "-b", "side")
    side = repository.commit(message=SUBJECT + "Allow-Prune: 3")
    repository.git("checkout", "--quiet", "main")
    repository.commit(b=EVERYONE.replace("everyone", "others"))
    merge = SUBJECT + "Allow-Prune: 4"
    repository.git("merge", "--quiet", "--no-ff", f"--message={merge}", "side")
    merged = repository.git("rev-parse", "HEAD")

    assert set(granted()) == {Grant(side, 3), Grant(merged, 4)}


def test_commits_up_to_the_applied_one_are_over(repository, granted):
    commit = repository.commit(message=SUBJECT + "Allow-Prune: 3")
    repository.commit(message="later")

    assert granted(commit) == ()


def test_where_nothing_was_applied_there_is_nothing_to_grant(repository, granted):
    repository.commit(message=SUBJECT + "Allow-Prune: 3")

    assert granted("") == ()


@pytest.mark.parametrize("applied", ["d" * 40, "working copy", "--all"])
def test_of_an_unknown_past_only_the_last_commit_counts(repository, granted, applied):
    repository.commit(message=SUBJECT + "Allow-Prune: 3")
    last = repository.commit(message=SUBJECT + "Allow-Prune: 4")

    assert granted(applied) == (Grant(last, 4),)


def test_a_rewritten_history_counts_from_where_it_parted(repository, first, granted):
    old = repository.commit(message=SUBJECT + "Allow-Prune: 3")
    assert granted() == (Grant(old, 3),)
    repository.git("reset", "--quiet", "--hard", first)
    new = repository.commit(message=SUBJECT + "Allow-Prune: 4")

    assert granted(old) == (Grant(new, 4),)


def test_long_histories_and_messages_are_cut(repository, granted, monkeypatch):
    monkeypatch.setattr(trailers, "MOST_COMMITS", 2)
    repository.commit(message=SUBJECT + "Allow-Prune: 3")
    repository.commit(message="two")
    repository.commit(message=f"{'long ' * 20_000}\n\nAllow-Prune: 5")

    assert granted() == ()
