"""A new version supersedes what the archive listed before and lists no more."""

from datetime import UTC, datetime

from reconciler.catalog.slices import make_slices, slice_bytes
from reconciler.catalog.supersedence import add_supersedence
from reconciler.model.updates import CatalogEntry, PackageFile, Update


def an_update(version="1.0", source="app", suite="bookworm-security", **changes):
    values = {
        "id": f"deb:Lab/{suite}/{source}/{version}",
        "source": "lab",
        "product": source,
        "version": version,
        "release": ("debian-12",),
        "classification": "security",
        "packages": (PackageFile(source, version, "amd64", "a.deb", 1, "0" * 64),),
        **changes,
    }
    return Update(**values)


def known(*updates, **changes):
    at = datetime(2025, 9, 1, tzinfo=UTC)
    return {one.id: CatalogEntry(one, 1, 1, at, **changes) for one in updates}


def test_new_version_supersedes_what_vanished():
    old, new = an_update("1.9"), an_update("1.10")

    (found,) = add_supersedence(known(old), [new])

    assert found.supersedes == (old.id,)


def test_chain_goes_on_over_withdrawn_versions():
    old, new = an_update("1.0"), an_update("1.1")

    (found,) = add_supersedence(known(old, withdrawn=True), [new])

    assert found.supersedes == (old.id,)


def test_what_the_read_itself_says_stays():
    old, new, newest = (an_update(version) for version in ("1.0", "1.1", "1.2"))
    newest = an_update("1.2", supersedes=(new.id,))

    (found,) = add_supersedence(known(old), [newest])

    assert found.supersedes == (old.id, new.id)


def test_other_suites_sources_and_newer_versions_are_left_alone():
    others = known(
        an_update("0.1", suite="trixie-security"), an_update("0.1", source="lib"), an_update("2.0")
    )
    update = an_update("1.0")

    assert add_supersedence(others, [update]) == (update,)


def test_ids_of_other_forms_have_no_line():
    old, new = an_update("1.0", id="ALSA-2025:1"), an_update("1.1", id="ALSA-2025:2")

    assert add_supersedence(known(old), [new]) == (new,)


def test_same_read_twice_changes_nothing():
    first = add_supersedence({}, [an_update("1.0"), an_update("1.1")])

    assert add_supersedence(known(*first), first) == add_supersedence(known(*first), list(first))
    assert add_supersedence(known(*first), first)[0] == first[0]


def test_slice_holds_what_its_release_may_install():
    both = an_update("2.0", release=("debian-12", "debian-13"))
    old = an_update("1.0")

    slices = make_slices(7, known(both, old).values())

    assert sorted(slices) == ["debian-12", "debian-13"]
    assert [one.id for one in slices["debian-12"].updates] == [old.id, both.id]
    assert slices["debian-13"].updates[0].packages == (("app", "amd64", "2.0"),)
    assert {one.version for one in slices.values()} == {7}


def test_slice_leaves_withdrawn_updates_out():
    assert make_slices(1, known(an_update(), withdrawn=True).values()) == {}


def test_slice_bytes_do_not_depend_on_the_order_of_entries():
    entries = list(known(an_update("1.0"), an_update("2.0")).values())

    forwards, backwards = make_slices(1, entries), make_slices(1, entries[::-1])

    assert slice_bytes(forwards["debian-12"]) == slice_bytes(backwards["debian-12"])
