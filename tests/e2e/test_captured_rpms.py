"""What was captured of a real rpm repository is what real dnf installs, without the repository."""

import json
import shutil

import pytest

from reconciler.catalog.rpm_reader import RpmReader
from reconciler.content.capture import capture
from reconciler.content.depot import Depot
from reconciler.fetch import Fetcher
from reconciler.model.codec import decode
from reconciler.model.errors import ContentError
from reconciler.model.objects import PackageManifest
from tests.e2e.rpm_machine import RpmMachine
from tests.e2e.rpms import AdvisoryText, RpmPackage, make_repository
from tests.unit.content.packages import A_PACKAGE

pytestmark = pytest.mark.e2e

LIB = RpmPackage(name="lib", version="2.0", epoch=1, provides=("libx.so.2()(64bit)",))
TOOL = RpmPackage(name="tool", files={"usr/bin/tool": "#!/bin/sh\nexit 0"})
APP = RpmPackage(
    name="app", version="1.1", requires=("libx.so.2()(64bit)", "/usr/bin/tool", "/bin/sh")
)
OTHER = RpmPackage(name="other", version="9")
ALSA = AdvisoryText(id="ALSA-2025:1", packages=(APP,))


@pytest.fixture
def depot(tmp_path):
    return Depot(tmp_path / "content")


def read(folder):
    reader = RpmReader("lab", str(folder), (), ("almalinux-9",), (), (), Fetcher(tries=1))
    return reader.read().updates


def captured(depot, index, wanted="ALSA-2025:1"):
    updates = [one for one in index if one.id == wanted]
    digest, _ = capture(A_PACKAGE, updates, index, depot, Fetcher(tries=1), frozenset({"x86_64"}))
    return decode(PackageManifest, json.loads(depot.read(digest, 1_000_000)))


def test_release_and_its_new_dependencies_are_captured_and_installed(tmp_path, depot):
    repository = make_repository(tmp_path / "repository", APP, LIB, TOOL, OTHER, advisories=(ALSA,))
    manifest = captured(depot, read(repository))
    shutil.rmtree(repository)
    machine = RpmMachine(tmp_path / "machine")
    shutil.rmtree(machine.repository)
    for file in manifest.files:
        target = machine.repository / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(depot.path_of(file.sha256))
    done = machine.dnf("install", "app")

    assert [file.path for file in manifest.files] == [
        "app-1.1-1.noarch.rpm",
        "lib-1_2.0-1.noarch.rpm",
        "repodata/primary.xml",
        "repodata/repomd.xml",
        "tool-1.0-1.noarch.rpm",
    ]
    assert done.returncode == 0, done.stderr
    assert machine.packages() == {"app": "1.1-1", "lib": "1:2.0-1", "tool": "1.0-1"}


def test_dependency_that_is_too_old_is_not_captured(tmp_path, depot):
    app = RpmPackage(name="app", version="1.1", requires=("lib >= 1:3",))
    repository = make_repository(
        tmp_path / "repository", app, LIB, advisories=(AdvisoryText(id="A", packages=(app,)),)
    )

    paths = [file.path for file in captured(depot, read(repository), "A").files]
    assert paths == ["app-1.1-1.noarch.rpm", "repodata/primary.xml", "repodata/repomd.xml"]


def test_file_that_changed_on_the_mirror_is_refused(tmp_path, depot):
    repository = make_repository(tmp_path / "repository", APP, advisories=(ALSA,))
    index = read(repository)
    path = repository / APP.file_name
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    with pytest.raises(ContentError, match="its digest is"):
        captured(depot, index)
