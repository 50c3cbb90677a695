"""What a suite's Release says, and when it is no use."""

from datetime import UTC, datetime

import pytest

from reconciler.catalog.apt_indexes import choose_indexes
from reconciler.catalog.apt_release import IndexFile, parse_release
from reconciler.model.errors import CatalogError

NOW = datetime(2025, 9, 1, tzinfo=UTC)
SHA = "a" * 64
PACKAGES = "main/binary-amd64/Packages"
SECURITY = {
    "Origin": "Debian",
    "Label": "Debian-Security",
    "Suite": "oldstable-security",
    "Version": "12",
    "Codename": "bookworm-security",
    "Valid-Until": "Mon, 08 Sep 2025 00:00:00 UTC",
    "Acquire-By-Hash": "yes",
    "Architectures": "amd64 arm64",
    "Components": "updates/main",
}


def a_text(files=(PACKAGES,), **changes):
    fields = {**SECURITY, **{name.replace("_", "-"): text for name, text in changes.items()}}
    table = "".join(f"\n {SHA} 7 {path}" for path in files)
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\n".join([*lines, f"SHA256:{table}"])


def a_release(suite="bookworm-security", **changes):
    return parse_release(a_text(**changes), suite, NOW, "there/InRelease")


def paths(release, *architectures):
    return [index.path for index in choose_indexes(release, architectures)]


def test_release_says_who_and_what():
    release = a_release()

    assert (release.origin, release.suite, release.os_release) == (
        "Debian",
        "bookworm-security",
        "debian-12",
    )
    assert release.files == {PACKAGES: IndexFile(SHA, 7)}
    assert release.by_hash


@pytest.mark.parametrize(
    ("suite", "changes", "expected"),
    [
        pytest.param("x", {"Version": "12.15"}, "debian-12", id="debian-by-version"),
        pytest.param("x", {"Version": "11-updates"}, "debian-11", id="debian-updates"),
        pytest.param(
            "jammy-security",
            {"Origin": "Ubuntu", "Version": "22.04", "Codename": "jammy"},
            "ubuntu-22.04",
            id="ubuntu",
        ),
        pytest.param("x", {"Origin": "Lab", "Codename": "trixie-x"}, "debian-13", id="codename"),
        pytest.param("noble/a", {"Origin": "Lab", "Codename": None}, "ubuntu-24.04", id="suite"),
    ],
)
def test_suite_is_for_a_release(suite, changes, expected):
    assert a_release(suite, **changes).os_release == expected


def test_suite_for_no_known_release_is_refused():
    with pytest.raises(CatalogError, match="by its codename 'nodistro'"):
        a_release("nodistro", Origin="node", Codename="nodistro")


@pytest.mark.parametrize(
    ("suite", "label", "expected"),
    [
        ("bookworm-security", "Lab", True),
        ("jammy-apps-security", "x", True),
        ("x", "Debian-Security", True),
        ("bookworm-updates", "Debian", False),
    ],
)
def test_security_suites_are_known_by_name_or_label(suite, label, expected):
    assert a_release(suite, Label=label).is_security is expected


def test_slashes_do_not_enter_an_update_id():
    release = a_release("bookworm/updates", Origin="a/b%")

    assert (release.origin, release.suite) == ("a%2Fb%25", "bookworm%2Fupdates")


@pytest.mark.parametrize(
    ("until", "is_refused"),
    [
        ("Mon, 01 Sep 2025 00:00:00 UTC", True),
        ("Mon, 01 Sep 2025 00:00:01 UTC", False),
        ("Mon, 01 Sep 2025 01:30:00 +0200", True),
        (None, False),
    ],
)
def test_release_is_valid_until_it_says(until, is_refused):
    if not is_refused:
        assert a_release(Valid_Until=until).origin == "Debian"
        return
    with pytest.raises(CatalogError, match="was valid until 2025-0"):
        a_release(Valid_Until=until)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "0 paragraphs", id="empty"),
        pytest.param("A: 1\n\nB: 2", "2 paragraphs", id="two"),
        pytest.param("hello", "is no field", id="prose"),
        pytest.param(a_text(files=()), "vouches for no file", id="no-files"),
        pytest.param(a_text(Valid_Until="soon"), "no Release file", id="date"),
        pytest.param(a_text(files=("a b",)), "no Release file", id="four-columns"),
        pytest.param("SHA256:\n abc 7 x", "'x' has a wrong digest", id="digest"),
        pytest.param(f"SHA256:\n {SHA} -7 x", "'x' has a wrong digest or size", id="size"),
    ],
)
def test_useless_release_is_refused(text, reason):
    with pytest.raises(CatalogError, match=f"there/InRelease.*{reason}"):
        parse_release(text, "bookworm", NOW, "there/InRelease")


def test_smallest_form_of_each_index_is_chosen():
    files = [
        f"main/binary-{one}/Packages{form}" for one in ("amd64", "arm64") for form in ("", ".gz")
    ]
    release = a_release(files=(*files, "main/binary-amd64/Packages.xz", "main/Contents.xz"))

    assert paths(release) == ["main/binary-amd64/Packages.xz", "main/binary-arm64/Packages.gz"]
    assert paths(release, "arm64") == ["main/binary-arm64/Packages.gz"]


def test_plain_size_bounds_the_unpacked_one():
    (index,) = choose_indexes(a_release(files=(PACKAGES, f"{PACKAGES}.xz")), ())

    assert index.plain_limit == 7
    assert index.by_hash == f"main/binary-amd64/by-hash/SHA256/{SHA}"


@pytest.mark.parametrize(
    ("without", "expected"),
    [("Packages", [PACKAGES]), (None, ["main/binary-all/Packages", PACKAGES])],
)
def test_packages_for_all_are_read_where_apt_does(without, expected):
    release = a_release(
        files=("main/binary-all/Packages", PACKAGES),
        Architectures="all amd64",
        No_Support_for_Architecture_all=without,
    )

    assert paths(release) == expected
    assert paths(release, "amd64") == expected


def test_unknown_architecture_is_refused():
    with pytest.raises(CatalogError, match="has no architecture riscv64") as caught:
        choose_indexes(a_release(), ["riscv64"])

    assert caught.value.hint == "it has amd64, arm64"


def test_component_without_an_index_is_refused():
    release = a_release(Components="main contrib")

    with pytest.raises(CatalogError, match="no Packages index of component contrib"):
        choose_indexes(release, ())


def test_release_without_components_is_refused():
    with pytest.raises(CatalogError, match="names no component"):
        choose_indexes(a_release(Components=""), ())


def test_monstrous_index_is_refused():
    text = a_text().replace(f"{SHA} 7 ", f"{SHA} {10**12} ")
    release = parse_release(text, "bookworm", NOW, "there")

    with pytest.raises(CatalogError, match="too many"):
        choose_indexes(release, ())
