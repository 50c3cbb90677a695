"""Binary packages become updates by their source and its version."""

import pytest

from reconciler.catalog.apt_packages import SuiteUpdates, parse_packages
from reconciler.catalog.apt_release import SuiteRelease

RELEASE = SuiteRelease(
    origin="Debian",
    label="Debian-Security",
    suite="bookworm-security",
    os_release="debian-12",
    architectures=("amd64",),
    components=("main",),
    files={},
    by_hash=True,
)
A_DIGEST, B_DIGEST = "a" * 64, "b" * 64


def a_paragraph(**changes):
    fields = {
        "Package": "app",
        "Version": "1.0-1",
        "Architecture": "amd64",
        "Filename": "pool/a/app_1.0-1_amd64.deb",
        "Size": "10",
        "SHA256": A_DIGEST,
        "Description": "an application",
        **{name.replace("_", "-"): text for name, text in changes.items()},
    }
    return "\n".join(f"{name}: {value}" for name, value in fields.items() if value is not None)


def updates_of(*paragraphs):
    updates = SuiteUpdates("debian", "http://archive.invalid", RELEASE)
    for package in parse_packages("\n\n".join(paragraphs) + "\n"):
        updates.add(package)
    return updates.made()


def test_update_is_what_the_archive_says_of_a_source():
    (update,) = updates_of(a_paragraph(Pre_Depends="dpkg", Depends="libc6 (>= 2)"))

    assert update.id == "deb:Debian/bookworm-security/app/1.0-1"
    assert (update.source, update.product, update.version) == ("debian", "app", "1.0-1")
    assert (update.release, update.classification) == (("debian-12",), "security")
    assert (update.title, update.location) == ("an application", "http://archive.invalid")
    (file,) = update.packages
    assert (file.path, file.size, file.sha256) == ("pool/a/app_1.0-1_amd64.deb", 10, A_DIGEST)
    assert file.depends == "dpkg, libc6 (>= 2)"
    assert file.control == a_paragraph(Pre_Depends="dpkg", Depends="libc6 (>= 2)")


def test_binaries_of_one_source_are_one_update():
    """Some binaries' versions differ from the source's."""
    (update,) = updates_of(
        a_paragraph(Package="app-data", Source="app", Version="1.0-1"),
        a_paragraph(Package="app", Version="1.0-1+b2", Source="app (1.0-1)"),
        a_paragraph(Package="libapp", Version="2:7.0-1", Source="app (1.0-1)"),
    )

    assert update.id.endswith("/app/1.0-1")
    assert [(file.name, file.version) for file in update.packages] == [
        ("app", "1.0-1+b2"),
        ("app-data", "1.0-1"),
        ("libapp", "2:7.0-1"),
    ]


def test_newer_version_supersedes_all_older_ones():
    old, new, newest = updates_of(*(a_paragraph(Version=text) for text in ("1.10", "1.9", "1:0")))

    assert [old.version, new.version, newest.version] == ["1.9", "1.10", "1:0"]
    assert old.supersedes == ()
    assert new.supersedes == (old.id,)
    assert newest.supersedes == (old.id, new.id)


def test_package_for_all_counts_once():
    every = a_paragraph(Architecture="all")

    (update,) = updates_of(every, every)

    assert len(update.packages) == 1


def test_second_build_of_one_source_version_replaces_the_first():
    builds = [
        a_paragraph(Version=text, Source="app (1.0)") for text in ("1.0+b9", "1.0+b10", "1.0")
    ]

    (update,) = updates_of(*builds)

    assert [file.version for file in update.packages] == ["1.0+b10"]


def test_one_package_with_two_digests_is_refused():
    with pytest.raises(ValueError, match="app amd64 stands twice with different digests"):
        updates_of(a_paragraph(), a_paragraph(SHA256=B_DIGEST))


def test_update_without_a_synopsis_is_titled_by_its_version():
    assert updates_of(a_paragraph(Description=None))[0].title == "app 1.0-1"


@pytest.mark.parametrize(
    "field", ["Package", "Version", "Architecture", "Filename", "Size", "SHA256"]
)
def test_paragraph_without_a_needed_field_is_refused(field):
    with pytest.raises(ValueError, match=f"has no {field}"):
        updates_of(a_paragraph(**{field: None}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Package", "../app"),
        ("Architecture", "am/d64"),
        ("Source", "app ("),
        ("Filename", "/etc/passwd"),
        ("Filename", "pool/../../etc/passwd"),
        ("Filename", ""),
        ("SHA256", A_DIGEST[1:]),
        ("Size", "-1"),
        ("Size", "1e3"),
    ],
)
def test_wrong_field_is_refused(field, value):
    with pytest.raises(ValueError, match=f"has a wrong {field}"):
        updates_of(a_paragraph(**{field: value}))


@pytest.mark.parametrize("field", [{"Version": "1.0 x"}, {"Source": "app (é)"}])
def test_wrong_version_is_refused(field):
    with pytest.raises(ValueError, match="is not a version"):
        updates_of(a_paragraph(**field))
