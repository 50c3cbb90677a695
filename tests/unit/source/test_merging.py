"""A change of a real repository: its base, and its merge, which is never made."""

import shutil

import pytest

from reconciler.model.errors import SourceError
from reconciler.source.merging import read_change, read_pins
from tests.repositories import Repository

TEXT = "".join(f"line: {number}\n" for number in range(20))


@pytest.fixture
def repository(tmp_path):
    made = Repository(tmp_path / "repository")
    made.commit(a=TEXT, b="b: 1\n")
    made.git("branch", "change")
    return made


def edit(repository, branch, name, old, new):
    repository.git("checkout", "--quiet", branch)
    path = repository.path / f"{name}.yaml"
    path.write_text(path.read_text().replace(old, new))
    return repository.commit(message=f"edit {name}")


def snapshot_of(folder):
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_merge_holds_what_both_sides_changed(repository):
    ours = edit(repository, "main", "a", "line: 1\n", "line: ours\n")
    theirs = edit(repository, "change", "a", "line: 18\n", "line: theirs\n")

    change = read_change(repository.path, "main", "change")

    merged = change.merged.files["a.yaml"].decode()
    assert ("line: ours" in merged, "line: theirs" in merged) == (True, True)
    assert b"line: theirs" not in change.base.files["a.yaml"]
    assert (change.base.commit, change.merged.commit) == (ours, theirs)


def test_nothing_of_the_repository_is_touched(repository):
    edit(repository, "main", "a", "line: 1\n", "line: ours\n")
    edit(repository, "change", "b", "b: 1", "b: 2")
    (repository.path / "a.yaml").write_text("work in progress\n")
    before = snapshot_of(repository.path)

    read_change(repository.path, "main", "change")

    assert snapshot_of(repository.path) == before


def test_conflict_names_the_files(repository):
    edit(repository, "main", "a", "line: 1\n", "line: ours\n")
    edit(repository, "change", "a", "line: 1\n", "line: theirs\n")

    with pytest.raises(SourceError, match=r"conflicts with its base in a\.yaml") as error:
        read_change(repository.path, "main", "change")
    assert "rebase" in error.value.hint


def test_deleted_manifest_is_gone_from_the_merge(repository):
    repository.git("checkout", "--quiet", "change")
    (repository.path / "b.yaml").unlink()
    repository.commit(message="delete b")

    change = read_change(repository.path, "main", "change")

    assert (sorted(change.base.files), sorted(change.merged.files)) == (
        ["a.yaml", "b.yaml"],
        ["a.yaml"],
    )


def test_folder_of_the_repository_is_the_sub_path(repository):
    repository.git("checkout", "--quiet", "change")
    repository.commit(production__c="c: 1\n", test__c="c: 0\n")
    repository.git("branch", "--force", "main")

    change = read_change(repository.path / "production", "main", "HEAD")

    assert change.merged.files == {"c.yaml": b"c: 1\n"}


@pytest.mark.parametrize("name", ["nowhere", "--all", "", "main:a.yaml", "x" * 300, "a\0b"])
def test_what_is_no_commit_is_refused(repository, name):
    with pytest.raises(SourceError, match="there is no commit"):
        read_change(repository.path, name, "change")


def test_histories_without_a_common_commit_cannot_be_merged(repository):
    repository.git("checkout", "--quiet", "--orphan", "stranger")
    repository.commit(c="c: 1\n")

    with pytest.raises(SourceError, match="cannot be merged") as error:
        read_change(repository.path, "main", "stranger")
    assert "fetch-depth: 0" in error.value.hint


def test_folder_outside_of_any_repository_is_refused(tmp_path):
    with pytest.raises(SourceError, match="is in no git repository"):
        read_change(tmp_path, "main", "HEAD")


def test_damaged_repository_is_an_error_and_no_traceback(repository):
    shutil.rmtree(repository.path / ".git" / "objects")
    (repository.path / ".git" / "objects").mkdir()

    with pytest.raises(SourceError):
        read_change(repository.path, "main", "change")


def test_grants_of_the_commits_since_the_applied_one_count(repository):
    applied = repository.git("rev-parse", "main")
    repository.git("checkout", "--quiet", "change")
    repository.commit(message="clean up\n\nAllow-Prune: 7", c="c: 1\n")

    change = read_change(repository.path, "main", "change", applied)

    assert [one.number for one in change.merged.grants] == [7]
    assert not change.base.grants


def test_pins_are_read_from_the_base_alone(repository):
    repository.git("checkout", "--quiet", "main")
    (repository.path / ".patchwright").mkdir()
    (repository.path / ".patchwright" / "site.pub").write_text("true\n")
    repository.commit(message="pin")
    repository.git("checkout", "--quiet", "-b", "attack")
    (repository.path / ".patchwright" / "site.pub").write_text("forged\n")
    repository.commit(message="pin another")

    pins = read_pins(repository.path, "main", (".patchwright/site.pub", ".patchwright/none"))

    assert pins == {".patchwright/site.pub": b"true\n"}


def test_pin_that_is_a_link_is_none(repository):
    repository.git("checkout", "--quiet", "main")
    (repository.path / "site.pub").symlink_to("/etc/passwd")
    repository.commit(message="pin")

    assert read_pins(repository.path, "main", ("site.pub", "a.yaml/x")) == {}
