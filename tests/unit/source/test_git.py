"""Real repositories: what is read of them, and what is refused."""

import socket
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.errors import SourceError
from reconciler.source.git import GitSource
from tests.corpora import document
from tests.repositories import Repository

EVERYONE = document("Collection", "everyone", "{query: {all: true}}")


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "origin")


@pytest.fixture
def source(repository, tmp_path):
    def make(ref="main", sub_path="", location=None):
        return GitSource(location or str(repository.path), ref, sub_path, tmp_path / "work")

    return make


def test_newest_commit_of_a_branch_is_read_whole(repository, source):
    repository.commit(a="one")
    newest = repository.commit(a="two", deep__b="three")
    found = source().fetch()

    assert found.commit == newest
    assert found.committed_at == datetime(2025, 9, 1, 8, tzinfo=UTC)
    assert dict(found.files) == {"a.yaml": b"two", "deep/b.yaml": b"three"}


def test_new_commit_is_seen_by_the_next_fetch(repository, source):
    repository.commit(a="one")
    reader = source()
    reader.fetch()
    newest = repository.commit(a="two")

    assert reader.fetch().commit == newest


def test_history_that_was_rewritten_is_taken_over(repository, source):
    repository.commit(a="one")
    repository.commit(a="two")
    reader = source()
    reader.fetch()
    repository.git("reset", "--quiet", "--hard", "HEAD~1")

    assert dict(reader.fetch().files) == {"a.yaml": b"one"}


def test_tag_and_commit_stay_where_they_are(repository, source):
    first = repository.commit(a="one")
    repository.git("tag", "--annotate", "--message=release", "v1")
    repository.commit(a="two")

    assert source("v1").fetch().commit == first
    assert source(first).fetch().commit == first


def test_branch_goes_before_a_tag_of_its_name(repository, source):
    repository.commit(a="one")
    repository.git("tag", "main")
    newest = repository.commit(a="two")

    assert source("main").fetch().commit == newest


def test_sub_path_cuts_the_paths(repository, source):
    repository.commit(top="no", fleet__prod__a="yes")

    assert dict(source(sub_path="fleet/prod").fetch().files) == {"a.yaml": b"yes"}


def test_ignore_file_hidden_files_and_links_are_honoured(repository, source):
    (repository.path / ".patchwrightignore").write_text("drafts/\n", encoding="utf-8")
    (repository.path / "link.yaml").symlink_to("/etc/passwd")
    repository.commit(a="one", drafts__b="no", _="hidden")
    repository.git("mv", "_.yaml", ".hidden.yaml")
    repository.git("commit", "--quiet", "--message=hide")

    assert list(source().fetch().files) == ["a.yaml"]


def test_empty_repository_is_an_error(source):
    with pytest.raises(SourceError, match="is empty"):
        source().fetch()


def test_commit_without_any_manifest_is_an_error(repository, source):
    repository.commit(a="one")
    repository.git("rm", "--quiet", "a.yaml")
    (repository.path / "README").write_text("none", encoding="utf-8")
    repository.commit()

    with pytest.raises(SourceError, match="has no manifest"):
        source().fetch()


@pytest.mark.parametrize(("ref", "sub_path"), [("other", ""), ("main", "absent"), ("f" * 40, "")])
def test_what_is_not_there_is_an_error(repository, source, ref, sub_path):
    repository.commit(a="one")

    with pytest.raises(SourceError, match="has no"):
        source(ref, sub_path).fetch()


def test_repository_that_went_away_is_an_error(repository, source):
    repository.commit(a="one")
    reader = source()
    reader.fetch()
    repository.path.rename(repository.path.with_name("moved"))

    with pytest.raises(SourceError, match="cannot be read"):
        reader.fetch()


def test_commit_that_was_read_is_recalled_without_the_repository(repository, source):
    first = repository.commit(a="one")
    source().fetch()
    repository.path.rename(repository.path.with_name("moved"))

    assert source(first).recall().files == {"a.yaml": b"one"}


def test_commit_that_was_never_read_cannot_be_recalled(repository, source):
    first = repository.commit(a="one")

    with pytest.raises(SourceError, match="cannot be read"):
        source(first).recall()


def test_branch_that_left_is_not_read_from_the_mirror(repository, source):
    repository.commit(a="one")
    repository.git("branch", "other")
    reader = source("other")
    reader.fetch()
    repository.git("branch", "--delete", "other")

    with pytest.raises(SourceError, match="other"):
        reader.fetch()


@pytest.mark.parametrize("damage", ["empty-head", "lost-objects", "garbage-objects"])
def test_damaged_mirror_is_made_anew(repository, source, tmp_path, damage):
    newest = repository.commit(a="one")
    reader = source()
    reader.fetch()
    (mirror,) = (tmp_path / "work").iterdir()
    if damage == "empty-head":
        (mirror / "HEAD").write_text("", encoding="utf-8")
    for path in (mirror / "objects").rglob("*"):
        if path.is_file() and damage != "empty-head":
            path.chmod(0o600)
            path.write_bytes(b"garbage") if damage == "garbage-objects" else path.unlink()

    assert reader.fetch().commit == newest


@pytest.mark.parametrize(
    "ref",
    ["--upload-pack=touch x", "-x", "", "a b", "a..b", "a@{1}", "a:b", "main\n", "HEAD^", "x.lock"],
)
def test_hostile_ref_is_refused(source, ref):
    with pytest.raises(SourceError, match="not the name"):
        source(ref)


@pytest.mark.parametrize(
    "location",
    [
        "ext::sh -c 'touch /tmp/x'",
        "--upload-pack=touch",
        "-oProxyCommand=x",
        "http://git.example/a.git",
        "git://git.example/a.git",
        "fd::3",
        "relative/path",
        "-h:a/b",
        "https://git.example/a\n.git",
    ],
)
def test_hostile_location_is_refused(source, location):
    with pytest.raises(SourceError, match="not the location"):
        source(location=location)


@pytest.mark.parametrize("sub_path", ["/etc", "..", "a/../b", "a\nb"])
def test_sub_path_outside_the_repository_is_refused(source, sub_path):
    with pytest.raises(SourceError, match="not a folder within"):
        source(sub_path=sub_path)


def test_credentials_are_never_told(source):
    with pytest.raises(SourceError) as caught:
        source(location="https://me:s3cret@127.0.0.1:1/a.git").fetch()

    assert "s3cret" not in str(caught.value) + str(caught.value.hint)


def test_repository_that_never_answers_is_given_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        location = f"https://127.0.0.1:{silent.getsockname()[1]}/a.git"
        reader = GitSource(location, "main", "", tmp_path, timeout=timedelta(milliseconds=300))

        with pytest.raises(SourceError, match="did not answer in time"):
            reader.fetch()
