from dataclasses import replace

import pytest

from reconciler.model.errors import CatalogError
from reconciler.model.updates import UpdateSeverity
from reconciler.observed.catalog import SourceFreshness
from tests.store.builders import LATER, NOW, an_update

OLD = an_update("u1")
OTHER = an_update("x1", product="zlib")


def merge(store, *updates, source="security", at=NOW):
    with store.write() as work:
        return work.catalog.merge(source, updates, at)


def entries(store):
    with store.read() as view:
        return view.catalog.entries()


def with_file(update, **changes):
    return replace(update, packages=(replace(update.packages[0], **changes),))


def test_new_updates_make_one_content_version(store):
    change = merge(store, OTHER, OLD)

    assert (change.version, change.added) == (1, ("u1", "x1"))
    assert [(e.update, e.revision, e.since, e.first_seen_at) for e in entries(store).values()] == [
        (OLD, 1, 1, NOW),
        (OTHER, 1, 1, NOW),
    ]


def test_same_read_again_changes_only_the_freshness(store):
    merge(store, OLD)
    before = (store.policy_version(), store.change())
    change = merge(store, OLD, at=LATER)

    assert change.is_empty
    assert change.version == 1
    assert (store.policy_version(), store.change()) == before
    with store.read() as view:
        assert view.catalog.sources() == {"security": SourceFreshness("security", LATER)}


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "cd" * 32},
        {"version": "1.1-2"},
        {"name": "libssl4"},
        {"architecture": "all"},
        {"size": 8},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_other_packages_or_digests_are_a_revision(store, changes):
    merge(store, OLD, OTHER)
    change = merge(store, with_file(OLD, **changes), OTHER, at=LATER)

    assert (change.version, change.revised) == (2, ("u1",))
    found = entries(store)
    assert (found["u1"].revision, found["u1"].since, found["u1"].first_seen_at) == (2, 2, NOW)
    assert (found["x1"].revision, found["x1"].since) == (1, 1)


def test_former_revisions_keep_the_content_versions_in_which_they_entered(store):
    merge(store, OLD)
    for size in (8, 9):
        merge(store, with_file(OLD, size=size), OTHER, at=LATER)
        merge(store, with_file(OLD, size=size), at=LATER)  # withdraws the other one
    merge(store, with_file(OLD, size=9), OTHER)

    entry = entries(store)["u1"]
    assert (entry.former, entry.since) == ((1, 2), 4)
    assert [entry.entered(revision) for revision in (1, 2, 3, 4)] == [1, 2, 4, 4]
    assert entries(store)["x1"].former == ()


def test_only_the_newest_of_many_former_revisions_are_kept(store):
    for size in range(1, 61):
        merge(store, with_file(OLD, size=size))

    entry = entries(store)["u1"]
    assert (entry.former, entry.since) == (tuple(range(10, 60)), 60)
    assert [entry.entered(revision) for revision in (1, 9, 10, 11, 60)] == [10, 10, 10, 11, 60]


@pytest.mark.parametrize(
    "update",
    [
        pytest.param(
            replace(OLD, severity=UpdateSeverity.CRITICAL, cves=("CVE-1",)), id="severity"
        ),
        pytest.param(with_file(OLD, control="Package: libssl3\n", path="pool/m.deb"), id="control"),
    ],
)
def test_metadata_is_saved_without_a_version(store, update):
    merge(store, OLD)
    with store.read() as view:
        stamp = view.catalog.stamp()
    change = merge(store, update)

    assert change.is_empty
    assert entries(store)["u1"].update == update
    with store.read() as view:
        assert (view.catalog.version(), view.catalog.stamp()) == (1, stamp + 1)


def test_order_of_packages_is_no_revision(store):
    two = replace(OLD, packages=(*OLD.packages, replace(OLD.packages[0], name="openssl")))
    merge(store, two)

    assert merge(store, replace(two, packages=two.packages[::-1])).is_empty


def test_absent_update_is_withdrawn_and_comes_back(store):
    merge(store, OLD, OTHER)
    gone = merge(store, OTHER)
    assert (gone.version, gone.withdrawn) == (2, ("u1",))
    assert entries(store)["u1"].withdrawn
    assert merge(store, OTHER).is_empty

    back = merge(store, OLD, OTHER)
    assert (back.version, back.restored, back.revised) == (3, ("u1",), ())
    assert not entries(store)["u1"].withdrawn


def test_superseded_update_stays_when_it_is_listed_no_more(store):
    newer = an_update("u2", supersedes=("u1",))
    newest = an_update("u3", supersedes=("u2",))
    merge(store, OLD)
    change = merge(store, newer)
    assert (change.added, change.withdrawn) == (("u2",), ())

    assert merge(store, newest).withdrawn == ()
    assert [entry.withdrawn for entry in entries(store).values()] == [False] * 3


def test_update_of_another_product_keeps_nothing(store):
    merge(store, OLD)

    assert merge(store, replace(OTHER, supersedes=("u1",))).withdrawn == ("u1",)


def test_other_sources_are_left_alone(store):
    merge(store, OLD)

    assert merge(store, OTHER, source="main").withdrawn == ()


def test_empty_read_withdraws_nothing(store):
    """Absence is evidence only after a complete read (S29)."""
    assert merge(store).is_empty
    merge(store, OLD)

    with pytest.raises(CatalogError, match="listed nothing, and 1 updates before"):
        merge(store)
    assert not entries(store)["u1"].withdrawn


def test_update_listed_twice_is_an_error(store):
    with pytest.raises(CatalogError, match="lists update u1 twice"):
        merge(store, OLD, OLD)


def test_sources_that_contradict_each_other_are_an_error(store):
    merge(store, OLD)
    assert merge(store, OLD, source="mirror").is_empty

    with pytest.raises(CatalogError, match="'mirror' and 'main' list update u1"):
        merge(store, with_file(OLD, size=9), source="main")


def test_forgotten_source_leaves_its_updates_to_another(store):
    merge(store, OLD)
    with store.write() as work:
        work.catalog.forget_source("security")
        assert work.catalog.sources() == {}

    assert merge(store, with_file(OLD, size=9), source="main").revised == ("u1",)


def test_failure_keeps_the_last_success(store):
    merge(store, OLD)
    with store.write() as work:
        work.catalog.source_failed("security", "no route to host", LATER)
        work.catalog.source_failed("main", "404", LATER)

        assert work.catalog.sources() == {
            "main": SourceFreshness("main", None, "404"),
            "security": SourceFreshness("security", NOW, "no route to host"),
        }
    merge(store, OLD, at=LATER)
    with store.read() as view:
        assert view.catalog.sources()["security"].problem == ""


def test_new_content_changes_policies(store):
    before = store.policy_version()
    merge(store, OLD)

    assert store.policy_version() == before + 1
