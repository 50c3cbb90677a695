"""`patchwright fmt`: writes only where something changes, and nothing that it cannot."""

import os
from pathlib import Path

import pytest

from reconciler.cli.fmt import format_paths
from tests.corpora import document

TIDY = document("Collection", "a", "{query: {all: true}}")
UNTIDY = document("Collection", "b", "{description: no}")
QUOTED = document("Collection", "b", '{description: "no"}')
SOUND, ERROR, PENDING = 0, 1, 2


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.yaml").write_text(TIDY, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(UNTIDY, encoding="utf-8")
    return tmp_path


def test_untidy_file_is_written_and_the_next_run_finds_nothing(folder, capsys):
    assert format_paths([folder], check=False) == SOUND
    assert (folder / "b.yaml").read_text(encoding="utf-8") == QUOTED
    assert format_paths([folder], check=True) == SOUND
    assert capsys.readouterr().out.splitlines() == [
        f"{folder}/b.yaml: formatted",
        "2 read, 1 formatted",
        "2 read, 0 would be formatted",
    ]


def test_check_writes_nothing_and_says_that_changes_are_pending(folder, capsys):
    assert format_paths([folder], check=True) == PENDING
    assert (folder / "b.yaml").read_text(encoding="utf-8") == UNTIDY
    assert f"{folder}/b.yaml: would be formatted" in capsys.readouterr().out


def test_tidy_file_is_not_touched(folder):
    before = (folder / "a.yaml").stat()
    format_paths([folder], check=False)

    after = (folder / "a.yaml").stat()
    # Reading alone may move the instant of the last access.
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_rights_of_a_file_stay(folder):
    (folder / "b.yaml").chmod(0o640)
    format_paths([folder], check=False)

    assert (folder / "b.yaml").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in folder.iterdir()) == ["a.yaml", "b.yaml"]


def test_broken_file_is_told_and_the_others_are_formatted(folder, capsys):
    (folder / "c.yaml").write_text("spec: [", encoding="utf-8")

    assert format_paths([folder], check=False) == ERROR
    assert (folder / "b.yaml").read_text(encoding="utf-8") == QUOTED
    assert "PW1010" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["link", "pipe", "absent"])
def test_what_is_no_file_is_refused(folder, capsys, what):
    path = folder / "odd.yaml"
    if what == "link":
        path.symlink_to(folder / "b.yaml")
    elif what == "pipe":
        os.mkfifo(path)

    assert format_paths([path], check=False) == ERROR
    assert "PW1005" in capsys.readouterr().out
    assert (folder / "b.yaml").read_text(encoding="utf-8") == UNTIDY


def test_links_in_a_folder_are_not_followed(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "b.yaml"
    other.write_text(UNTIDY, encoding="utf-8")
    (folder / "link.yaml").symlink_to(other)
    (folder / "up").symlink_to(Path(other).parent)
    format_paths([folder], check=False)

    assert other.read_text(encoding="utf-8") == UNTIDY


def test_table_of_a_collection_set_is_left_alone(folder):
    (folder / "windows.csv").write_text("collection,computer\na,db-01\n", encoding="utf-8")

    assert format_paths([folder], check=False) == SOUND
    assert (folder / "windows.csv").read_text(encoding="utf-8") == "collection,computer\na,db-01\n"
