"""What the engine sees of the store, kept up to date (S1, design decision 3)."""

from dataclasses import replace
from datetime import timedelta

from pyroaring import BitMap

from reconciler.engine.observer import Observer
from reconciler.model.updates import UpdateState
from reconciler.observed.cohorts import Cohorts
from tests.store.builders import LATER, MEMBERSHIP, NOW, PHASE, RELEASE, an_update


def enrol(store, name):
    with store.write() as work:
        return work.computers.enrol(name, f"hardware-{name}", NOW)


def save(store, computer, **changes):
    with store.write() as work:
        work.computers.save(replace(computer, **changes))


def test_empty_store_gives_an_empty_state(store):
    observed = Observer(store).observe(fresh=True)

    assert (len(observed.fleet.enrolled), observed.catalog.version) == (0, 0)
    assert (observed.latest_transition, observed.fresh) == (None, True)


def test_changes_are_seen_by_the_next_look(store):
    observer, first = Observer(store), enrol(store, "a")
    assert len(observer.observe(fresh=True).fleet.enrolled) == 1
    enrol(store, "b")
    save(store, first, facts={"role": "web"}, states={"u1": UpdateState.MISSING})

    fleet = observer.observe(fresh=True).fleet
    assert len(fleet.enrolled) == 2
    assert fleet.facts["role"].value_of(first.ordinal) == "web"
    assert set(fleet.in_state(UpdateState.MISSING, "u1")) == {first.ordinal}


def test_contact_alone_is_seen(store):
    observer, computer = Observer(store), enrol(store, "a")
    observer.observe(fresh=True)
    with store.write() as work:
        work.computers.contacts({computer.id: LATER})

    fleet = observer.observe(fresh=True).fleet
    assert set(fleet.last_contact_at.at_least(1)) == {computer.ordinal}


def test_retired_computer_leaves_the_fleet(store):
    observer, computer = Observer(store), enrol(store, "a")
    observer.observe(fresh=True)
    with store.write() as work:
        work.computers.retire(computer.id, LATER)

    assert len(observer.observe(fresh=True).fleet.enrolled) == 0


def test_catalog_is_read_again_only_when_it_changed(store):
    observer = Observer(store)
    with store.write() as work:
        work.catalog.merge("security", [an_update("u1")], NOW)
    first = observer.observe(fresh=True).catalog
    assert observer.observe(fresh=True).catalog is first
    with store.write() as work:
        work.catalog.merge("security", [an_update("u1"), an_update("u2")], NOW)

    assert sorted(observer.observe(fresh=True).catalog.entries) == ["u1", "u2"]


def test_newest_instant_of_any_record_is_the_latest_transition(store):
    observer = Observer(store)
    with store.write() as work:
        work.records.put(RELEASE)
    assert observer.observe(fresh=True).latest_transition == NOW
    with store.write() as work:
        work.records.put(PHASE)
        work.records.put(
            replace(MEMBERSHIP, entered=Cohorts().at(LATER + timedelta(hours=1), BitMap([5])))
        )

    assert observer.observe(fresh=True).latest_transition == LATER + timedelta(hours=1)


def test_staleness_is_passed_on(store):
    assert not Observer(store).observe(fresh=False).fresh
