"""Rpm repositories are read whole, with their advisories, or refused."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.catalog.readers import make_reader
from reconciler.catalog.slices import make_slices
from reconciler.catalog.supersedence import add_supersedence
from reconciler.cli.catalog_import import Brought, read_listing
from reconciler.demo.signing import SigningKey
from reconciler.fetch import Fetcher
from reconciler.model.errors import CatalogError
from reconciler.model.updates import CatalogEntry, UpdateSeverity
from tests.e2e.archives import NOW, FixedClock
from tests.e2e.rpms import AdvisoryText, RpmPackage, add_modules, make_repository, pack_with_zstd

pytestmark = pytest.mark.e2e

FETCHER = Fetcher(timeout=timedelta(seconds=0.5), tries=2, pause=timedelta(0))
APP = RpmPackage(name="app", version="1.1", requires=("lib >= 1",))
LIB = RpmPackage(name="lib", version="2.0", release="3", epoch=1)
ALSA = AdvisoryText(
    id="ALSA-2025:1", packages=(APP,), cves=("CVE-2025-1000",), title="Important: app update"
)


@dataclass(frozen=True)
class Spec:
    location: str
    signed_by: str | None = None
    type: str = "updateinfo"
    suites: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    releases: tuple[str, ...] = ("almalinux-9",)
    products: tuple[str, ...] = ()
    classifications: tuple[str, ...] = ()


def read(location, **changes):
    spec = Spec(str(location), **changes)
    return make_reader("lab", spec, FETCHER, FixedClock(), location).read()


def by_id(listing):
    return {update.id: update for update in listing.updates}


def entries_of(updates):
    return {one.id: CatalogEntry(one, 1, 1, NOW) for one in updates}


def test_advisory_becomes_an_update_with_its_files(tmp_path):
    make_repository(tmp_path, APP, LIB, advisories=(ALSA,))
    update = by_id(read(tmp_path))["ALSA-2025:1"]

    assert (update.classification, update.severity) == ("security", UpdateSeverity.IMPORTANT)
    assert update.cves == ("CVE-2025-1000",)
    assert update.links == ("https://cve.example/CVE-2025-1000",)
    assert update.released_at == datetime(2025, 3, 1, 10, tzinfo=UTC)
    assert (update.product, update.release) == ("app", ("almalinux-9",))
    (file,) = update.packages
    content = (tmp_path / file.path).read_bytes()
    assert (file.name, file.architecture, file.version) == APP.pin
    assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_metadata_packed_with_zstd_are_read(tmp_path):
    make_repository(tmp_path, APP, LIB, advisories=(ALSA,))
    before = read(tmp_path)
    pack_with_zstd(tmp_path)
    assert sorted({path.suffix for path in (tmp_path / "repodata").iterdir()}) == [".xml", ".zst"]

    assert read(tmp_path).updates == before.updates


def test_package_without_advisory_is_an_update_of_its_source(tmp_path):
    make_repository(tmp_path, APP, LIB, advisories=(ALSA,))

    update = by_id(read(tmp_path))["rpm:lab/lib/2.0-3"]
    assert update.classification == "update"
    assert [file.version for file in update.packages] == ["1:2.0-3"]


def test_advisory_over_several_repositories_has_all_its_packages(tmp_path):
    for folder, package in (("BaseOS/os", APP), ("AppStream/os", LIB)):
        advisory = AdvisoryText(id="ALSA-2025:7", packages=(package,))
        make_repository(tmp_path / folder, package, advisories=(advisory,))
    update = by_id(read(tmp_path, suites=("BaseOS/os", "AppStream/os")))["ALSA-2025:7"]

    assert [file.path.partition("/os/")[0] for file in update.packages] == ["BaseOS", "AppStream"]


def test_packages_that_are_gone_leave_an_advisory_without_files(tmp_path):
    gone = RpmPackage(name="app", version="1.0")
    make_repository(tmp_path, APP, advisories=(AdvisoryText(id="ALSA-2024:9", packages=(gone,)),))
    update = by_id(read(tmp_path))["ALSA-2024:9"]

    assert not update.has_files
    assert [(fix.ecosystem, fix.name, fix.version) for fix in update.fixes] == [
        ("almalinux:9", "app", "1.0-1")
    ]


def test_broken_advisories_are_set_aside(tmp_path):
    broken = (
        "<update type='security'><id>ALSA-2025:2</id></update>",
        "<update type='security'><id>bad id</id></update>",
        AdvisoryText(id="ALSA-2025:3", packages=(APP,), issued="soon"),
    )
    make_repository(tmp_path, APP, advisories=(ALSA, *broken))
    listing = read(tmp_path)

    assert "ALSA-2025:1" in by_id(listing)
    assert {one.id: one.reason for one in listing.set_aside} == {
        "ALSA-2025:2": "it names no binary package",
        "bad id": "its id is 'bad id'",
        "ALSA-2025:3": "issued is 'soon', which is no date",
    }


def test_architectures_narrow_what_is_read(tmp_path):
    other = RpmPackage(name="app", version="1.1", architecture="ppc64le")
    make_repository(tmp_path, RpmPackage(name="lib", architecture="x86_64"), other)

    assert list(by_id(read(tmp_path, architectures=("x86_64",)))) == ["rpm:lab/lib/1.0-1"]


def test_module_streams_travel_to_the_slice(tmp_path):
    modular = RpmPackage(name="pg", version="15.3", release="1.module_el9+1")
    advisory = AdvisoryText(id="ALSA-2025:4", packages=(modular, LIB), module=("postgresql", "15"))
    make_repository(tmp_path, modular, LIB, advisories=(advisory,))
    update = by_id(read(tmp_path))["ALSA-2025:4"]

    assert "postgresql:15" in update.products
    slices = make_slices(1, entries_of([update]).values())
    assert slices["almalinux-9"].updates[0].modules == ("postgresql:15", "postgresql:15")


def test_modules_metadata_tell_the_stream_of_builds_without_advisory(tmp_path):
    modular = RpmPackage(name="pg", version="15.3", release="1.module_el9+1")
    make_repository(tmp_path, modular)
    assert [one.reason for one in read(tmp_path).set_aside] == [
        "it belongs to a module, and no metadata says to which stream"
    ]
    add_modules(
        tmp_path,
        "---\ndocument: modulemd\nversion: 2\ndata:\n  name: postgresql\n  stream: '15'\n"
        "  version: 1\n  context: c\n  arch: noarch\n  summary: s\n  description: d\n"
        "  license: {module: [x]}\n  artifacts:\n    rpms: ['pg-0:15.3-1.module_el9+1.noarch']\n",
    )

    (update,) = read(tmp_path).updates
    assert update.id == "rpm:lab/pg@postgresql:15/15.3-1.module_el9+1"
    assert update.packages[0].module == "postgresql:15"


def test_newer_packages_supersede_older_ones_of_the_same_stream(tmp_path):
    first = RpmPackage(name="app", version="1.9")
    second = RpmPackage(name="app", version="1.10")
    advisories = tuple(
        AdvisoryText(id=id_, packages=(one,)) for id_, one in (("A-1", first), ("A-2", second))
    )
    make_repository(tmp_path, first, second, advisories=advisories)
    updates = add_supersedence({}, read(tmp_path).updates)

    assert {one.id: one.supersedes for one in updates} == {"A-1": (), "A-2": ("A-1",)}
    third = RpmPackage(name="app", version="1.11")
    newer = make_repository(
        tmp_path / "next", third, advisories=(AdvisoryText(id="A-3", packages=(third,)),)
    )
    (update,) = add_supersedence(entries_of(updates), read(newer).updates)
    assert update.supersedes == ("A-1", "A-2")


def test_signed_index_is_demanded_where_a_keyring_is_named(tmp_path):
    folder = make_repository(tmp_path / "repository", APP)
    with SigningKey() as key, SigningKey() as other:
        key.export(tmp_path / "archive.gpg")
        asked = {"signed_by": str(tmp_path / "archive.gpg")}
        with pytest.raises(CatalogError, match=r"repomd\.xml\.asc"):
            read(folder, **asked)
        index = folder / "repodata/repomd.xml"
        other.sign_detached(index, folder / "repodata/repomd.xml.asc")
        with pytest.raises(CatalogError, match="not signed by a key"):
            read(folder, **asked)
        key.sign_detached(index, folder / "repodata/repomd.xml.asc")

        assert len(read(folder, **asked).updates) == 1


def test_metadata_with_another_digest_are_refused(tmp_path):
    make_repository(tmp_path, APP)
    (primary,) = (tmp_path / "repodata").glob("*-primary.xml.gz")
    content = bytearray(primary.read_bytes())
    content[-1] ^= 1
    primary.write_bytes(bytes(content))

    with pytest.raises(CatalogError, match="is not the file that the repository's index vouches"):
        read(tmp_path)


def test_entities_are_never_expanded(tmp_path):
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE u [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]>'
        "<updates>&b;</updates>"
    )
    make_repository(tmp_path, APP, advisories=(ALSA,))
    index = tmp_path / "repodata/repomd.xml"
    path = tmp_path / "repodata/bomb.xml"
    path.write_text(bomb)
    digest = hashlib.sha256(bomb.encode()).hexdigest()
    entry = (
        f'<data type="updateinfo"><checksum type="sha256">{digest}</checksum>'
        f'<location href="repodata/bomb.xml"/><size>{len(bomb)}</size></data>'
    )
    text = re.sub(r'<data type="updateinfo">.*?</data>', entry, index.read_text(), flags=re.DOTALL)
    index.write_text(text)

    with pytest.raises(CatalogError, match="document type declaration"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"releases": ()}, "for which releases", id="no-release"),
        pytest.param({"location": "http://mirror.example/"}, "neither signed", id="plain-http"),
    ],
)
def test_source_that_says_too_little_is_refused(tmp_path, changes, message):
    spec = Spec(**{"location": str(tmp_path), **changes})

    with pytest.raises(CatalogError, match=message):
        make_reader("lab", spec, FETCHER, FixedClock(), tmp_path).read()


def test_repository_on_a_medium_is_imported_by_hand(tmp_path):
    make_repository(tmp_path, APP, advisories=(ALSA,))

    listing = read_listing(Brought(tmp_path, "updateinfo", ("almalinux-9",)), "import/medium")
    assert list(by_id(listing)) == ["ALSA-2025:1"]
    with pytest.raises(CatalogError, match="for which releases"):
        read_listing(Brought(tmp_path, "updateinfo"), "import/medium")
