"""OSV records become updates without files, or are set aside with their reason."""

from datetime import UTC, datetime

import pytest

from reconciler.catalog.osv_title import parse_title
from reconciler.model.updates import PackageFix, UpdateSeverity
from tests.advisories import an_advisory, listed


def the_update(**changes):
    (update,) = listed(an_advisory(**changes)).updates
    return update


def the_reason(record):
    (aside,) = listed(record).set_aside
    return aside.reason


@pytest.mark.parametrize(
    ("summary", "severity", "products"),
    [
        ("Important: openssl security update", "IMPORTANT", ("openssl",)),
        ("None: kernel bug fix and enhancement update", "UNSET", ("kernel",)),
        ("Moderate: httpd and mod_http2 security update", "MODERATE", ("httpd", "mod_http2")),
        ("Low: a, b, and c security, bug fix, and enhancement update", "LOW", ("a", "b", "c")),
        ("Moderate: php:8.1 security update", "MODERATE", ("php", "php:8.1")),
        ("Important: .NET 9.0 security update", "IMPORTANT", (".NET 9.0",)),
        ("Important: kernel update", "IMPORTANT", ("kernel",)),
        ("Moderate: Security and bug fixes for NetworkManager", "MODERATE", ("NetworkManager",)),
        ("Critical: cockpit: Unauthenticated remote code", "CRITICAL", ("cockpit",)),
        ("cockpit: something", None, ("cockpit",)),
        ("Something happened", None, ()),
        ("", None, ()),
    ],
)
def test_title_tells_severity_and_products(summary, severity, products):
    title = parse_title(summary)

    assert (title.severity and title.severity.name) == severity or (
        severity == "UNSET" and title.severity is UpdateSeverity.UNSET
    )
    assert title.products == products


def test_update_holds_what_the_record_says():
    update = the_update(
        fixed=[("AlmaLinux:9", "app", "1.0-1.el9"), ("AlmaLinux:8", "app", "1.0-1.el8")],
        published="2025-01-01T00:00:00Z",
        related=["CVE-2025-1000", "RHSA-2025:1"],
        aliases=["CVE-2025-0999"],
        references=[
            {"type": "REPORT", "url": "https://bugs.example/1"},
            {"type": "ADVISORY", "url": "https://errata.example/1"},
            {"type": "WEB", "url": "javascript:alert(1)"},
        ],
    )

    assert update.severity is UpdateSeverity.IMPORTANT
    assert update.release == ("almalinux-8", "almalinux-9")
    assert update.fixes == (
        PackageFix("AlmaLinux:8", "app", "1.0-1.el8"),
        PackageFix("AlmaLinux:9", "app", "1.0-1.el9"),
    )
    assert update.cves == ("CVE-2025-0999", "CVE-2025-1000")
    assert update.links == ("https://errata.example/1", "https://bugs.example/1")
    assert update.released_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert update.modified_at == datetime(2025, 1, 2, tzinfo=UTC)
    assert not update.has_files


@pytest.mark.parametrize(
    ("update_id", "classification"),
    [
        ("ALSA-2025:1", "security"),
        ("ALBA-2025:1", "bugfix"),
        ("RHEA-2025:1", "enhancement"),
        ("DSA-1", "security"),
        ("CVE-2025-1000", "security"),
    ],
)
def test_id_tells_the_classification(update_id, classification):
    assert the_update(update_id=update_id).classification == classification


def test_severity_of_the_database_counts_where_the_title_has_none():
    update = the_update(summary="app is broken", database_specific={"severity": "HIGH"})

    assert (update.severity, update.product) == (UpdateSeverity.IMPORTANT, "app")


def test_record_that_was_withdrawn_is_no_update():
    listing = listed(an_advisory(withdrawn="2025-02-01T00:00:00Z"))

    assert (listing.updates, listing.set_aside) == ((), ())
    assert listing.retracted == ("ALSA-2025:1",)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"{", "it is no JSON"),
        (b"\xff", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b'{"id": "a", "summary": "\\ud800"}', "it is no JSON"),
        (b"7", "it is no JSON object"),
        ({}, "it has no id"),
        (an_advisory(update_id="a b"), "id is 'a b'"),
        (an_advisory(modified=None), "it has no modified"),
        (an_advisory(modified="yesterday"), "modified: "),
        (an_advisory(affected=[7]), "affected holds something that is no object"),
        (an_advisory(affected={}), "affected is no list"),
        (an_advisory(fixed=[("AlmaLinux:9", "", "1")]), "it has no name"),
        (an_advisory(fixed=[("AlmaLinux:9", "app", "x:1-1")]), "the version 'x:1-1'"),
        (an_advisory(fixed=[("Debian:12", "app", "1 2")]), "fixed is '1 2'"),
        (an_advisory(affected=[], summary=""), "it names no package and no product"),
    ],
)
def test_broken_record_is_set_aside_with_its_reason_and_fails_nothing(record, reason):
    good = an_advisory(update_id="ALSA-2025:2")
    listing = listed(record, good)

    assert the_reason(record).startswith(reason)
    assert [one.id for one in listing.updates] == ["ALSA-2025:2"]


def test_of_two_records_with_one_id_the_newer_counts_and_the_other_is_told():
    newer = an_advisory(modified="2025-03-01T00:00:00Z", summary="Low: app security update")
    for records in ([an_advisory(), newer], [newer, an_advisory()]):
        listing = listed(*records)

        assert [one.severity.name for one in listing.updates] == ["LOW"]
        assert [one.id for one in listing.set_aside] == ["ALSA-2025:1"]


def supersedes(newer, older):
    listing = listed(
        an_advisory(update_id="ALSA-2025:1", **older), an_advisory(update_id="ALSA-2025:2", **newer)
    )
    return listing.updates[1].supersedes == ("ALSA-2025:1",)


@pytest.mark.parametrize(
    ("newer", "older", "expected"),
    [
        ([("AlmaLinux:9", "a", "1.10-1")], [("AlmaLinux:9", "a", "1.9-1")], True),
        ([("AlmaLinux:9", "a", "1.9-1")], [("AlmaLinux:9", "a", "1.9-1")], False),
        ([("AlmaLinux:8", "a", "1.10-1")], [("AlmaLinux:9", "a", "1.9-1")], False),
        (
            [("AlmaLinux:9", "a", "2-1")],
            [("AlmaLinux:9", "a", "1-1"), ("AlmaLinux:9", "b", "1-1")],
            False,
        ),
        (
            [("AlmaLinux:9", "a", "2-1"), ("AlmaLinux:9", "b", "1-1")],
            [("AlmaLinux:9", "a", "1-1"), ("AlmaLinux:9", "b", "1-1")],
            True,
        ),
        ([("AlmaLinux:9", "a", "1:1-1")], [("AlmaLinux:9", "a", "9-1")], True),
        ([("PyPI", "a", "2")], [("PyPI", "a", "1")], False),
    ],
    ids=[
        "newer",
        "equal",
        "other-release",
        "package-missing",
        "one-is-enough",
        "epoch",
        "no-order",
    ],
)
def test_supersedence_follows_from_the_fixed_versions(newer, older, expected):
    assert supersedes({"fixed": newer}, {"fixed": older}) is expected


@pytest.mark.parametrize(
    ("newer", "older", "expected"),
    [("php:8.1", "php:8.1", True), ("php:8.2", "php:8.1", False), ("php", "php", False)],
)
def test_modular_builds_compare_within_a_stream_that_is_named(newer, older, expected):
    def module(name, version):
        return {
            "fixed": [("AlmaLinux:9", "php", f"{version}.module_el9.2.0+30")],
            "summary": f"Low: {name} security update",
        }

    assert supersedes(module(newer, "9-1"), module(older, "8-1")) is expected
