"""What is no plain file within the folder: refused where it is named, passed over where found."""

import os
import socket
from pathlib import Path

import pytest

from reconciler.cli.fmt import format_paths
from reconciler.cli.validate import judge_paths, validate_paths
from reconciler.model.errors import SourceError
from reconciler.source.documents import LARGEST_FILE
from reconciler.source.folder import read_folder
from tests.corpora import NOW, document

GOOD = document("Collection", "web", "{computers: [web-01]}")
SECRET = "collection,computer\nsecret,secret-01\n"


def a_set(table: str) -> str:
    return document("CollectionSet", "set", f"{{table: {table}}}")


@pytest.fixture
def outside(tmp_path):
    """A file that no repository may read."""
    path = tmp_path / "outside"
    path.write_text(SECRET, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "repository"
    path.mkdir()
    (path / "good.yaml").write_text(GOOD, encoding="utf-8")
    return path


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    # Its name may not be long, so it is given from within its folder.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def make_link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def make_folder(path: Path) -> None:
    path.mkdir()


SPECIAL = [make_pipe, make_socket, make_link_to_device, make_dangling_link, make_folder]


def errors_of(*paths: Path) -> list[str]:
    found = judge_paths(paths, NOW).problems
    return [f"{one.code} {one.at.path}" for one in found if one.is_error]


@pytest.mark.parametrize("make", SPECIAL)
def test_special_file_in_a_folder_is_passed_over(folder, make):
    make(folder / "special.yaml")
    make(folder / "special.csv")

    assert list(read_folder(folder)) == ["good.yaml"]
    assert format_paths([folder], check=True) == 0


@pytest.mark.parametrize("make", SPECIAL[:2])
def test_special_file_that_is_named_is_refused(folder, make):
    path = folder / "special.yaml"
    make(path)

    assert errors_of(path) == [f"PW1005 {path}"]
    assert format_paths([path], check=True) == 1


@pytest.mark.parametrize("path", [Path("/dev/zero"), Path("/dev/stdin"), Path("/proc/self/mem")])
def test_device_that_is_named_is_refused(path):
    assert errors_of(path)[0] == f"PW1005 {path}"
    assert format_paths([path], check=True) == 1


@pytest.mark.parametrize("make", SPECIAL)
def test_special_file_is_no_table(folder, make):
    (folder / "set.yaml").write_text(a_set("t.csv"), encoding="utf-8")
    make(folder / "t.csv")

    assert errors_of(folder) == [f"PW1110 {folder}/set.yaml"]


@pytest.mark.parametrize("table", ["../outside", "../outside.csv", "/etc/passwd", "a/../../x.csv"])
def test_table_outside_the_folder_is_refused(folder, outside, table):
    outside.with_suffix(".csv").write_text(SECRET, encoding="utf-8")
    (folder / "set.yaml").write_text(a_set(table), encoding="utf-8")
    found = judge_paths([folder], NOW).problems

    assert {one.at.path for one in found if one.is_error} == {f"{folder}/set.yaml"}
    assert not [one for one in found if "secret" in one.message]


@pytest.mark.parametrize("alone", [True, False])
def test_linked_table_is_not_read(folder, outside, alone):
    (folder / "set.yaml").write_text(a_set("t.csv"), encoding="utf-8")
    (folder / "t.csv").symlink_to(outside)

    assert errors_of(folder / "set.yaml" if alone else folder) == [f"PW1110 {folder}/set.yaml"]


def test_linked_folder_and_manifest_are_not_read(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.yaml").write_text("secret: 1\n", encoding="utf-8")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "linked.yaml").symlink_to(elsewhere / "secret.yaml")

    assert list(read_folder(folder)) == ["good.yaml"]


def test_linked_ignore_file_names_nothing(folder, tmp_path):
    patterns = tmp_path / "patterns"
    patterns.write_text("*.yaml\n", encoding="utf-8")
    (folder / ".patchwrightignore").symlink_to(patterns)

    assert list(read_folder(folder)) == ["good.yaml"]


@pytest.mark.parametrize("make", [make_pipe, make_socket, make_folder])
def test_ignore_file_that_is_special_names_nothing(folder, make):
    make(folder / ".patchwrightignore")

    assert list(read_folder(folder)) == ["good.yaml"]


def test_ignore_file_below_the_top_is_not_read(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / ".patchwrightignore").write_text("*.yaml\n", encoding="utf-8")
    (folder / "sub" / "b.yaml").write_text(GOOD, encoding="utf-8")

    assert list(read_folder(folder)) == ["good.yaml", "sub/b.yaml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_without_rights_is_refused(folder):
    (folder / "good.yaml").chmod(0)

    assert errors_of(folder) == [f"PW1005 {folder}"]


def test_file_over_the_limit_is_one_error(folder):
    (folder / "big.yaml").write_bytes(b"#" * (LARGEST_FILE + 1))

    assert errors_of(folder) == [f"PW1003 {folder}/big.yaml"]


def test_folders_nested_without_end_are_refused(folder):
    deep = folder / "/".join(["d"] * 70)
    deep.mkdir(parents=True)

    with pytest.raises(SourceError, match="nested deeper"):
        read_folder(folder)
    assert errors_of(folder) == [f"PW1005 {folder}"]


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system", "!!python/name:os.system", "!!binary", "!!set", "!x"]
)
def test_tag_makes_nothing_but_an_error(folder, tag):
    (folder / "tag.yaml").write_text(f"a: {tag} [echo, x]\n", encoding="utf-8")

    assert errors_of(folder) == [f"PW1013 {folder}/tag.yaml"]
    assert validate_paths([folder]) == 1
