from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from reconciler.model.computers import Run, RunOutcome
from reconciler.model.errors import ProtocolError, StoreError
from reconciler.model.messages import Executable, InventoryReport
from reconciler.model.updates import UpdateState
from reconciler.observed.columns import micros
from reconciler.store.rows import pack
from reconciler.store.schema import computer_inventory
from tests.store.builders import LATER, NOW, RELEASE, SHA


@pytest.fixture
def web(store):
    with store.write() as work:
        return work.computers.enrol("web-01", "hw-1", NOW)


def test_enrol_gives_dense_ordinals_and_lower_case_names(store):
    with store.write() as work:
        made = [work.computers.enrol(f"Web-{n}", "hw", NOW) for n in range(3)]

    assert [(one.ordinal, one.name) for one in made] == [(0, "web-0"), (1, "web-1"), (2, "web-2")]
    assert len({one.id for one in made}) == 3


def test_name_in_use_is_refused_whatever_its_case(store, web):
    with (
        pytest.raises(ProtocolError, match="enrolled already") as refused,
        store.write() as work,
    ):
        work.computers.enrol(web.name.upper(), "hw-2", NOW)

    assert refused.value.status == 409


def test_retired_name_is_free_and_its_ordinal_is_not(store, web):
    with store.write() as work:
        work.credentials.save(web.id, SHA)
        work.computers.retire(web.id, LATER)
        successor = work.computers.enrol(web.name, "hw-1", LATER)

        assert successor.ordinal == 1
        assert work.computers.find(web.id) == replace(web, retired=True)
        assert work.credentials.computer_of(SHA) is None


@pytest.mark.parametrize("name", ["", "-web", "web/01", "wéb", "a" * 254, "web\n"])
def test_name_that_cannot_be_one_is_refused(store, name):
    with pytest.raises(ProtocolError, match="cannot name a computer"), store.write() as work:
        work.computers.enrol(name, "hw", NOW)


def test_saved_computer_comes_back_whole(store, web):
    run = Run("web", 1, RunOutcome.FAILED, NOW, LATER, exit_code=100, reason="dpkg")
    full = replace(
        web,
        last_contact_at=LATER,
        last_scan_at=NOW,
        scan_version=3,
        facts={"os.release": "debian-12", "cpus": 4, "ok": True, "tags": ("a", "b")},
        states={"u1": UpdateState.MISSING},
        runs={"web/1": run},
        refusal="no space",
    )
    with store.write() as work:
        work.computers.save(full)

        assert work.computers.find(web.id) == full


def test_unknown_computer_cannot_be_saved(store, web):
    with pytest.raises(StoreError, match="no computer"), store.write() as work:
        work.computers.save(replace(web, id="f" * 32))


def test_saves_and_contacts_since_a_change_are_told_apart(store, web):
    with store.read() as view:
        seen = view.change()
    with store.write() as work:
        db = work.computers.enrol("db", "hw-db", NOW)
    with store.write() as work:
        work.computers.contacts({web.id: LATER})
    with store.read() as view:
        saved = [one.name for batch in view.computers.saved_since(seen) for one in batch]
        ordinals, instants = view.computers.contacts_since(seen)
        everybody = [one.name for batch in view.computers.saved_since(0) for one in batch]

    assert (saved, everybody) == ([db.name], [web.name, db.name])
    assert (list(ordinals), list(instants)) == ([web.ordinal], [micros(LATER)])


def test_changed_since_gives_saves_and_contacts(store, web):
    with store.write() as work:
        other = work.computers.enrol("db-01", "hw-2", NOW)
    with store.read() as view:
        everything, seen = view.computers.changed_since(0)
    assert [one.id for one in everything] == [web.id, other.id]

    with store.write() as work:
        work.computers.contacts({other.id: LATER, "nobody": LATER})
    with store.read() as view:
        changed, newest = view.computers.changed_since(seen)

        assert [(one.id, one.last_contact_at) for one in changed] == [(other.id, LATER)]
        assert newest > seen
        assert view.computers.changed_since(newest) == ([], newest)


def test_contact_never_moves_back(store, web):
    with store.write() as work:
        work.computers.contacts({web.id: LATER})
        work.computers.save(replace(web, last_contact_at=NOW))

        assert work.computers.find(web.id).last_contact_at == LATER


def test_many_contacts_at_once(store):
    with store.write() as work:
        made = [work.computers.enrol(f"c{n}", "hw", NOW) for n in range(100)]
        contacts = {f"gone-{n}": NOW for n in range(40_000)} | {one.id: LATER for one in made}
        work.computers.contacts(contacts)
        computers, _ = work.computers.changed_since(0)

    assert {one.last_contact_at for one in computers} == {LATER}


def test_inventory_is_replaced(store, web):
    with store.write() as work:
        assert work.computers.inventory(web.id) == {}
        first = InventoryReport(NOW, {"bash": "5.1", "zsh": "5.8"})
        work.computers.save_inventory(web.id, first)
        tool = {"/opt/tool": Executable(7, "a" * 64)}
        work.computers.save_inventory(web.id, InventoryReport(NOW, {"packages": "5.2"}, tool))

        assert work.computers.inventory(web.id) == {"packages": "5.2"}
        assert work.computers.executables(web.id) == tool


def test_inventory_of_before_programs_were_listed_is_read(store, web):
    with store.write() as work:
        row = {"computer": web.id, "body": pack({"bash": "5.1", "packages": "1"})}
        work._connection.execute(insert(computer_inventory), row)  # noqa: SLF001  # an older row

        assert work.computers.inventory(web.id) == {"bash": "5.1", "packages": "1"}
        assert work.computers.executables(web.id) == {}


def policy_version_after(store, computer):
    with store.write() as work:
        work.computers.save(computer)
    return store.policy_version()


def test_policy_version_rises_only_with_what_policy_depends_on(store, web):
    first = store.policy_version()
    scanned = replace(web, last_scan_at=LATER, last_contact_at=LATER, scan_version=4)
    assert policy_version_after(store, scanned) == first

    missing = replace(scanned, states={"u1": UpdateState.MISSING})
    assert policy_version_after(store, missing) == first + 1
    assert policy_version_after(store, replace(missing, facts={"a": 1})) == first + 2


def test_policy_change_of_one_computer_names_it_alone(store, web):
    since = store.policy_version()
    policy_version_after(store, replace(web, facts={"a": 1}))

    with store.read() as view:
        changes = view.policy_changes(since)
    assert (changes.everybody, changes.computers) == (False, {web.id})
    assert changes.version == since + 1


def test_policy_change_for_everybody_says_so(store, web):
    since = store.policy_version()
    with store.write() as work:
        work.computers.save(replace(web, facts={"a": 1}))
        work.records.put(RELEASE)

    with store.read() as view:
        changes = view.policy_changes(since)
        assert view.site_policy_version() == view.policy_version() == changes.version
    assert changes.everybody


def test_one_computer_leaves_what_all_share(store, web):
    with store.write() as work:
        work.records.put(RELEASE)
    shared = store.policy_version()
    policy_version_after(store, replace(web, facts={"a": 1}))

    with store.read() as view:
        assert view.site_policy_version() == shared
        assert view.policy_version() == shared + 1


def test_change_rises_with_contacts(store, web):
    before = store.change()
    with store.write() as work:
        work.computers.contacts({web.id: NOW + timedelta(hours=1)})

    assert store.change() == before + 1
