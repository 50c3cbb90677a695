"""A release's files are captured whole or not at all, and nothing is fetched twice."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.content.capture import capture
from reconciler.content.depot import Depot
from reconciler.fetch import Fetcher
from reconciler.model.codec import decode
from reconciler.model.errors import ContentError
from reconciler.model.objects import PackageManifest
from tests.unit.content.packages import A_PACKAGE, a_file, an_update, write_archive

ARCHITECTURES = frozenset({"amd64"})
FETCHER = Fetcher(pause=timedelta(0))


@pytest.fixture
def depot(tmp_path):
    return Depot(tmp_path / "content")


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "archive"


def captured(depot, updates, index=()):
    return capture(A_PACKAGE, updates, index, depot, FETCHER, ARCHITECTURES)


def manifest_of(depot, digest):
    return decode(PackageManifest, json.loads(depot.read(digest, 10_000)))


def index_of(depot, manifest):
    (file,) = [file for file in manifest.files if file.path == "Packages"]
    return depot.read(file.sha256, 10_000).decode()


def test_manifest_lists_the_files_and_their_index(depot, archive):
    updates = write_archive(archive, an_update(a_file("app", depends="lib")))
    index = write_archive(archive, an_update(a_file("lib")))

    digest, size = captured(depot, updates, index)

    manifest = manifest_of(depot, digest)
    assert (manifest.package, manifest.version) == ("PWR00001", 1)
    assert [file.path for file in manifest.files] == [
        "Packages",
        "app_1.0_amd64.deb",
        "lib_1.0_amd64.deb",
    ]
    assert size == sum(file.size for file in manifest.files)
    assert all(len(depot.read(file.sha256, file.size)) == file.size for file in manifest.files)


def test_index_names_the_files_in_the_flat_folder(depot, archive):
    updates = write_archive(archive, an_update(a_file("app", "2:1.0~rc1+b2")))

    manifest = manifest_of(depot, captured(depot, updates)[0])

    assert manifest.files[1].path == "app_2_1.0~rc1+b2_amd64.deb"
    text = index_of(depot, manifest)
    assert "\nFilename: ./app_2_1.0~rc1+b2_amd64.deb\n" in text
    assert "\nVersion: 2:1.0~rc1+b2\n" in text
    assert "pool/" not in text
    assert text.endswith("\n\n")


def test_same_updates_in_another_order_give_the_same_manifest(depot, archive):
    updates = write_archive(archive, an_update(a_file("app")), an_update(a_file("lib")))

    assert captured(depot, updates) == captured(depot, updates[::-1])


def test_captured_files_are_not_fetched_again(depot, archive):
    updates = write_archive(archive, an_update(a_file("app")), an_update(a_file("lib")))
    first = captured(depot, updates)
    for file in archive.rglob("*.deb"):
        file.unlink()

    assert captured(depot, updates) == first


def test_capture_goes_on_where_it_broke_off(depot, archive):
    app, lib = write_archive(archive, an_update(a_file("app")), an_update(a_file("lib")))
    (archive / lib.packages[0].path).rename(archive / "away")
    with pytest.raises(ContentError, match=r"lib_1\.0_amd64\.deb: No such file") as caught:
        captured(depot, [app, lib])
    (archive / app.packages[0].path).unlink()
    (archive / "away").rename(archive / lib.packages[0].path)

    digest, _ = captured(depot, [app, lib])

    assert "moved on" in caught.value.hint
    assert len(manifest_of(depot, digest).files) == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"app 1.0 amd65", "its digest is", id="changed"),
        pytest.param(b"app", "has 3 of the 13 bytes", id="cut-short"),
        pytest.param(b"app 1.0 amd64!", "more than the 13", id="longer"),
    ],
)
def test_wrong_file_is_refused_by_its_name(depot, archive, content, reason):
    updates = write_archive(archive, an_update(a_file("app")))
    (archive / updates[0].packages[0].path).write_bytes(content)

    with pytest.raises(ContentError, match=rf"app_1\.0_amd64\.deb.*{reason}"):
        captured(depot, updates)
    assert depot.path_of(updates[0].packages[0].sha256) is None


def test_two_archives_with_different_files_of_one_name_are_refused(depot):
    ours = an_update(a_file("app"), location="https://a.invalid")
    theirs = replace(ours, location="https://b.invalid", packages=(a_file("app", sha256="0" * 64),))

    with pytest.raises(ContentError, match="offered with two digests"):
        captured(depot, [ours, theirs])


def test_same_file_of_two_archives_is_fetched_once(depot, archive):
    (ours,) = write_archive(archive, an_update(a_file("app")))
    theirs = replace(ours, location="https://archive.invalid")

    digest, _ = captured(depot, [ours, theirs])

    assert len(manifest_of(depot, digest).files) == 2


@pytest.mark.parametrize("control", ["", "Package: app", "Filename: a\nFilename: b"])
def test_package_without_its_paragraph_is_refused_before_any_fetch(depot, archive, control):
    updates = write_archive(archive, an_update(a_file("app", control=control)))

    with pytest.raises(ContentError, match=r"no index paragraph of app_1\.0_amd64\.deb"):
        captured(depot, updates)
    assert depot.path_of(updates[0].packages[0].sha256) is None


def test_name_that_could_leave_the_folder_is_refused(depot):
    with pytest.raises(ContentError, match="no file's name"):
        captured(depot, [an_update(a_file("../app"))])


def test_nothing_for_these_architectures_is_an_empty_index(depot, archive):
    updates = write_archive(archive, an_update(a_file("app", architecture="riscv64")))

    digest, size = captured(depot, updates)

    assert [file.path for file in manifest_of(depot, digest).files] == ["Packages"]
    assert size == 0
