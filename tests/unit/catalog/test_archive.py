"""Archives and folders of records: bounded, without links, and nothing from outside."""

import io
import json
import os
import tarfile
import zipfile

import pytest

from reconciler.catalog import archive
from reconciler.catalog.record_reader import FolderReader, OsvReader
from reconciler.catalog.records import read_record_folder, read_records
from reconciler.fetch import Fetcher
from reconciler.model.errors import CatalogError
from tests.advisories import an_advisory

RECORD = json.dumps(an_advisory()).encode()


def a_tar(*members, mode="w:gz"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as made:
        for name, content, changes in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for field, value in changes.items():
                setattr(member, field, value)
            made.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def a_zip(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w"])
def test_tar_is_read_in_every_packing(mode):
    content = a_tar(("a/one.json", RECORD, {}), ("LICENSE", b"MIT", {}), mode=mode)

    assert list(read_records(content, "x")) == [("a/one.json", RECORD)]


def test_zip_is_read():
    content = a_zip(**{"one.json": RECORD, "README": b"", ".hidden.json": b""})

    assert list(read_records(content, "x")) == [("one.json", RECORD)]


def test_plain_file_is_one_record():
    assert list(read_records(RECORD, "one.json")) == [("one.json", RECORD)]


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("l.json", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "it is a link"),
        ("l.json", {"type": tarfile.LNKTYPE, "linkname": "good.json"}, "it is a link"),
        ("l.json", {"type": tarfile.FIFOTYPE}, "it is a link or a device"),
        ("../l.json", {}, "its path leaves the archive"),
        ("a/../../l.json", {}, "its path leaves the archive"),
        ("/l.json", {}, "its path leaves the archive"),
    ],
)
def test_member_that_is_no_file_within_is_set_aside(name, changes, reason):
    content = a_tar((name, b"", changes), ("good.json", RECORD, {}))
    members = dict(read_records(content, "x"))

    assert members["good.json"] == RECORD
    assert members[name].startswith(reason)


@pytest.mark.parametrize("make", ["tar", "zip"])
def test_record_that_is_too_large_is_set_aside(make, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST_RECORD", 100)
    big = b" " * 101
    content = a_tar(("b.json", big, {})) if make == "tar" else a_zip(**{"b.json": big})

    ((_, reason),) = read_records(content, "x")
    assert str(reason).startswith("it is larger than")


@pytest.mark.parametrize("make", ["tar", "zip", "skipped"])
def test_bomb_is_refused(make, monkeypatch):
    monkeypatch.setattr(archive, "MOST_BYTES", 1 << 20)
    zeros = b"\0" * (600 << 10)
    names = ["a.json", "b.json"] if make != "skipped" else ["a.bin", "b.bin"]
    content = (
        a_zip(**dict.fromkeys(names, zeros))
        if make == "zip"
        else a_tar(*((name, zeros, {}) for name in names))
    )

    with pytest.raises(CatalogError, match="unpacks to more than 1 MiB"):
        list(read_records(content, "x"))


def test_too_many_files_are_refused(monkeypatch):
    monkeypatch.setattr(archive, "MOST_FILES", 2)
    content = a_tar(*((f"{number}.json", RECORD, {}) for number in range(3)))

    with pytest.raises(CatalogError, match="more than 2 files"):
        list(read_records(content, "x"))


@pytest.mark.parametrize(
    ("mode", "size"), [("w:gz", 10), ("w:gz", 2000), ("w:gz", -1), ("w", 1024), ("w", 1500)]
)
def test_archive_that_is_cut_short_is_refused_whole(mode, size):
    """Half a catalog would look like withdrawn updates (S29)."""
    content = a_tar(*((f"{n}.json", os.urandom(500), {}) for n in range(9)), mode=mode)

    with pytest.raises(CatalogError, match="cannot be unpacked"):
        list(read_records(content[:size], "x"))


def test_archive_with_a_damaged_header_is_refused_whole():
    content = bytearray(a_tar(*((f"{n}.json", RECORD, {}) for n in range(9)), mode="w"))
    content[2048:2058] = b"!" * 10

    with pytest.raises(CatalogError, match="damaged"):
        list(read_records(bytes(content), "x"))


def test_folder_is_read_without_links_and_hidden_files(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/one.json").write_bytes(RECORD)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/two.json").write_bytes(RECORD)
    (tmp_path / "linked").symlink_to(tmp_path / "sub")
    (tmp_path / "link.json").symlink_to(tmp_path / "sub/one.json")
    os.mkfifo(tmp_path / "pipe.json")

    found = dict(read_record_folder(tmp_path))
    assert found == {
        "link.json": "it is a link, which is not followed",
        "pipe.json": "it is no regular file",
        "sub/one.json": RECORD,
    }


def test_folder_without_records_is_refused(tmp_path):
    with pytest.raises(CatalogError, match="holds no record"):
        FolderReader("x", str(tmp_path)).read()


@pytest.mark.parametrize("location", ["{0}", "file://{0}"])
def test_readers_take_paths_and_file_urls(tmp_path, location):
    (tmp_path / "one.json").write_bytes(RECORD)
    folder = location.format(tmp_path)

    for reader in (
        FolderReader("x", folder),
        OsvReader("x", folder, Fetcher()),
        OsvReader("x", f"{folder}/one.json", Fetcher()),
    ):
        assert [one.id for one in reader.read().updates] == ["ALSA-2025:1"]
