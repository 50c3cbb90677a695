"""What was captured of a real repository is what real apt installs, without the repository."""

import json
from datetime import timedelta

import pytest

from reconciler.app.clock import SystemClock
from reconciler.catalog.apt import AptReader
from reconciler.content.capture import capture
from reconciler.content.depot import Depot
from reconciler.demo.deb import DebPackage, host_architecture
from reconciler.fetch import Fetcher
from reconciler.model.codec import decode
from reconciler.model.errors import ContentError
from reconciler.model.objects import PackageManifest
from tests.unit.content.packages import A_PACKAGE

pytestmark = pytest.mark.e2e

STABLE, SECURITY = "bookworm", "bookworm-security"
FETCHER = Fetcher(tries=1, timeout=timedelta(seconds=5))


@pytest.fixture
def depot(tmp_path):
    return Depot(tmp_path / "content")


@pytest.fixture
def read(lab):
    def read_updates(*suites):
        reader = AptReader(
            name="lab",
            location=lab.url,
            suites=suites,
            architectures=(),
            keyrings=(lab.repository.keyring,),
            fetcher=FETCHER,
            clock=SystemClock(),
        )
        return reader.read().updates

    return read_updates


def captured(depot, updates, index):
    digest, size = capture(
        A_PACKAGE, updates, index, depot, FETCHER, frozenset({host_architecture()})
    )
    return decode(PackageManifest, json.loads(depot.read(digest, 100_000))), size


def lay_out(depot, manifest, folder):
    folder.mkdir()
    for file in manifest.files:
        (folder / file.path).hardlink_to(depot.path_of(file.sha256))
    return folder


def test_updates_of_a_real_repository_are_read(lab_repository, read):
    lab_repository.publish(STABLE, [DebPackage(name="app", version="1.0")])
    security = [
        DebPackage(name="app", version="2:1.1", source="suite", source_version="7.1"),
        DebPackage(name="app-data", version="7.1", source="suite", depends=("app (>= 2:1.0)",)),
    ]
    lab_repository.publish(SECURITY, security)

    fixed, stable = read(STABLE, SECURITY)

    assert stable.id == "deb:Lab/bookworm/app/1.0"
    assert fixed.id == "deb:Lab/bookworm-security/suite/7.1"
    assert (stable.classification, fixed.classification) == ("update", "security")
    assert fixed.release == ("debian-12",)
    assert [(file.name, file.version) for file in fixed.packages] == [
        ("app", "2:1.1"),
        ("app-data", "7.1"),
    ]


def test_empty_suites_have_no_updates(read):
    assert read(STABLE, SECURITY) == ()


def test_captured_folder_is_a_repository_that_apt_installs_from(
    lab_repository, read, make_machine, depot
):
    """Also an epoch, a new dependency, and after the archive itself has gone."""
    lab_repository.publish(STABLE, [DebPackage(name="app", version="1.0")])
    machine = make_machine("web", ["app"])
    new = [
        DebPackage(name="app", version="2:1.1~rc1+b2", depends=("helper (>= 1)",)),
        DebPackage(name="helper", version="1:3"),
        DebPackage(name="unrelated", version="1"),
    ]
    lab_repository.publish(SECURITY, new)
    index = read(SECURITY)
    updates = [update for update in index if update.product == "app"]
    manifest, size = captured(depot, updates, index)
    lab_repository.publish(SECURITY, drop=["app", "helper"], keep_old=False)

    folder = lay_out(depot, manifest, machine.root / "captured")
    for listed in (machine.root / "etc/apt/sources.list.d").iterdir():
        listed.unlink()
    sources = machine.root / "etc/apt/sources.list"
    sources.write_text(f"deb [trusted=yes] file:{folder} ./\n")
    updated = machine.apt("update", "--error-on=any")
    installed = machine.apt("install", "app=2:1.1~rc1+b2")

    assert (updated.returncode, installed.returncode) == (0, 0)
    assert machine.installed() == {"app": "2:1.1~rc1+b2", "helper": "1:3"}
    assert [file.path for file in manifest.files] == [
        "Packages",
        "app_2_1.1~rc1+b2_all.deb",
        "helper_1_3_all.deb",
    ]
    assert size == sum((folder / file.path).stat().st_size for file in manifest.files)


def test_version_gone_from_the_mirror_is_told_by_its_file(lab_repository, read, depot):
    lab_repository.publish(SECURITY, [DebPackage(name="app", version="1.0")])
    updates = read(SECURITY)
    lab_repository.publish(SECURITY, [DebPackage(name="app", version="1.1")], keep_old=False)

    with pytest.raises(ContentError, match=r"app_1\.0_all\.deb: HTTP 404") as caught:
        captured(depot, updates, updates)
    assert "moved on" in caught.value.hint


def test_file_changed_on_the_mirror_is_refused(lab_repository, read, depot):
    lab_repository.publish(SECURITY, [DebPackage(name="app", version="1.0")])
    updates = read(SECURITY)
    (file,) = lab_repository.public.rglob("app_1.0_all.deb")
    file.write_bytes(file.read_bytes()[:-1] + b"x")

    with pytest.raises(ContentError, match=r"app_1\.0_all\.deb: its digest is"):
        captured(depot, updates, updates)
    assert depot.path_of(updates[0].packages[0].sha256) is None
