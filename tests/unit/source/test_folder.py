"""Which files of a tree are manifests."""

import os

import pytest

from reconciler.model.errors import SourceError
from reconciler.source.documents import LARGEST_FILE
from reconciler.source.folder import read_folder
from reconciler.source.selection import Selection


@pytest.fixture
def folder(tmp_path):
    for name in ("a.yaml", "deep/er/b.yml", "deep/c.yaml", "drafts/d.yaml", "e.json", "README"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return tmp_path


def test_yaml_files_of_all_folders_are_read(folder):
    assert list(read_folder(folder)) == ["a.yaml", "deep/c.yaml", "deep/er/b.yml", "drafts/d.yaml"]
    assert read_folder(folder)["deep/c.yaml"] == b"deep/c.yaml"


def test_hidden_files_and_folders_are_not_read(folder):
    (folder / ".hidden.yaml").write_text("x: 1", encoding="utf-8")
    (folder / ".git").mkdir()
    (folder / ".git" / "config.yaml").write_text("x: 1", encoding="utf-8")

    assert not [name for name in read_folder(folder) if ".git" in name or ".hidden" in name]


def test_links_and_pipes_are_not_followed(folder):
    (folder / "link.yaml").symlink_to(folder / "a.yaml")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.yaml")

    assert len(read_folder(folder)) == 4


def test_ignored_files_are_not_read(folder):
    (folder / ".patchwrightignore").write_text("drafts/\ndeep/**/*.yml\n", encoding="utf-8")

    assert list(read_folder(folder)) == ["a.yaml", "deep/c.yaml"]


def test_file_above_the_limit_is_cut_just_above_it(folder):
    (folder / "a.yaml").write_bytes(b"#" * (LARGEST_FILE + 100))

    assert len(read_folder(folder)["a.yaml"]) == LARGEST_FILE + 1


@pytest.mark.parametrize("name", ["absent", "a.yaml"])
def test_path_that_is_no_folder_is_told(folder, name):
    with pytest.raises(SourceError, match=name):
        read_folder(folder / name)


@pytest.mark.parametrize("content", [b"\xff", b"#" * 70_000, b"x" * 10 + b"\xfe"])
def test_ignore_file_that_cannot_be_read_is_told(folder, content):
    (folder / ".patchwrightignore").write_bytes(content)

    with pytest.raises(SourceError, match="patchwrightignore"):
        read_folder(folder)


def test_name_that_is_no_text_is_written_readably(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.yaml")).write_text("a: 1", encoding="utf-8")

    assert list(read_folder(tmp_path)) == ["\\xff.yaml"]


@pytest.mark.parametrize(
    ("patterns", "path", "wanted"),
    [
        pytest.param("*.yaml", "a/b.yaml", False, id="at-any-depth"),
        pytest.param("/a.yaml", "b/a.yaml", True, id="slash-means-from-the-top"),
        pytest.param("/a.yaml", "a.yaml", False, id="from-the-top"),
        pytest.param("a/*.yaml", "a/b/c.yaml", True, id="star-stays-in-a-folder"),
        pytest.param("a/**", "a/b/c.yaml", False, id="two-stars-cross-folders"),
        pytest.param("**/c.yaml", "c.yaml", False, id="two-stars-may-be-none"),
        pytest.param("?.yaml", "ab.yaml", True, id="question-mark-is-one"),
        pytest.param("*.yaml\n!keep.yaml", "keep.yaml", True, id="taken-back"),
        pytest.param("!keep.yaml\n*.yaml", "keep.yaml", False, id="the-last-decides"),
        pytest.param("a.yaml/", "a.yaml", True, id="folders-only"),
        pytest.param("# a.yaml\n\n", "a.yaml", True, id="comment"),
        pytest.param("\\#a.yaml", "#a.yaml", False, id="escaped"),
        pytest.param("a+(b.yaml", "a+(b.yaml", False, id="no-expression"),
        pytest.param("*a*a*a*a*a*a*a*a*b", "a" * 200 + ".yaml", True, id="no-endless-search"),
    ],
)
def test_pattern_decides(patterns, path, wanted):
    assert Selection(patterns).wants_file(path) is wanted
