"""A start from a checkpoint sees what a start from every computer's row sees (decision 3)."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.observer import Observer
from reconciler.model.computers import Run, RunOutcome
from reconciler.model.errors import LeaseLostError
from reconciler.model.updates import UpdateState
from reconciler.observed.checkpoint import decode_fleet, encode_fleet
from reconciler.observed.fleet import Fleet
from tests.property.test_fleet_properties import computers, contents
from tests.store.builders import LATER, NOW


@given(st.lists(computers(), max_size=8))
def test_fleet_comes_back_from_its_parts(told):
    fleet = Fleet(told)

    assert contents(decode_fleet(encode_fleet(fleet))) == contents(fleet)


@given(st.lists(computers(), max_size=8), st.data())
def test_fleet_with_a_part_missing_is_refused_or_lacks_what_was_in_it(told, data):
    """Which parts there have to be is known of the columns; the store counts all of them."""
    parts = list(encode_fleet(Fleet(told)))
    gone = data.draw(st.sampled_from([name for name, _ in parts if "/" not in name]))

    with pytest.raises(ValueError, match="missing"):
        decode_fleet(part for part in parts if part[0] != gone)


@pytest.fixture
def site(store):
    """Three computers that have told something, and the lease to write with."""
    with store.write() as work:
        fence = work.lease.acquire("engine", timedelta(minutes=1), NOW)
        for number in range(3):
            made = work.computers.enrol(f"c{number}", "hw", NOW)
            run = Run("web", 1, RunOutcome.FAILED, NOW, LATER)
            told = replace(
                made,
                facts={"role": "web", "cores": number, "tags": ("a", "b")},
                states={"u1": UpdateState.MISSING, "u2": UpdateState.INSTALLED},
                runs={"web/1": run},
                last_scan_at=NOW,
                last_contact_at=NOW,
                scan_version=number,
            )
            work.computers.save(told)
    return store, fence


def observer_of(store):
    return Observer(store, fewest_saves=1)


def seen_by(observer):
    fleet = observer.observe(fresh=True).fleet
    more = [(fleet.ids[n], fleet.names[n], fleet.last_contact_at[n]) for n in sorted(fleet.ids)]
    shards = [set(fleet.in_shards(range(number, number + 1), 3)) for number in range(3)]
    cores = [fleet.facts["cores"].value_of(n) for n in fleet.ids] if "cores" in fleet.facts else []
    return contents(fleet), more, shards, cores, [set(fleet.named(f"c{n}")) for n in range(5)]


def checkpoint(store, fence):
    observer = observer_of(store)
    observer.observe(fresh=True)
    assert observer.save_checkpoint(fence)
    return observer


def without_checkpoints(store):
    execute(store, "DELETE FROM fleet_checkpoint")
    return observer_of(store)


def execute(store, statement):
    with closing(sqlite3.connect(store.path)) as raw, raw:
        return raw.execute(statement).fetchall()


def change(store):
    """A tail of everything that may come after a checkpoint."""
    with store.write() as work:
        first, second, third = work.computers.changed_since(0)[0]
        work.computers.save(
            replace(first, states={"u2": UpdateState.MISSING}, facts={"role": "db"}, runs={})
        )
        work.computers.contacts({second.id: LATER})
        work.computers.retire(third.id, LATER)
        work.computers.enrol("c3", "hw", LATER)


def test_start_from_a_checkpoint_and_its_tail_sees_what_the_rows_say(site):
    store, fence = site
    running = checkpoint(store, fence)
    change(store)

    from_checkpoint = seen_by(observer_of(store))
    assert from_checkpoint == seen_by(running)
    assert from_checkpoint == seen_by(without_checkpoints(store))


def test_start_reads_only_what_came_after_the_checkpoint(site):
    store, fence = site
    checkpoint(store, fence)
    started = observer_of(store)
    started.observe(fresh=True)

    assert not started.save_checkpoint(fence)


def test_newer_checkpoint_replaces_the_older(site):
    store, fence = site
    running = checkpoint(store, fence)
    change(store)
    running.observe(fresh=True)
    assert running.save_checkpoint(fence)

    assert len(execute(store, "SELECT DISTINCT generation FROM fleet_checkpoint")) == 1
    with store.read() as view:
        assert view.checkpoints.change() == view.change()


def test_checkpoint_that_was_interrupted_is_none_and_goes_away(site):
    """A crash anywhere before the header leaves the older one in force."""
    store, fence = site
    running = checkpoint(store, fence)
    change(store)
    with store.write() as work:
        generation = work.checkpoints.begin()
        work.checkpoints.add(generation, [("ids", b"half")])

    assert seen_by(observer_of(store)) == seen_by(running)
    with store.write() as work:
        assert work.checkpoints.begin() == generation


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE fleet_checkpoint SET body = x'00' WHERE part = 'ids'",
        "DELETE FROM fleet_checkpoint WHERE part = 'fact/role'",
        """UPDATE fleet_checkpoint SET body = '{"format": 0, "change": 1}' WHERE part = ''""",
        "UPDATE fleet_checkpoint SET body = '{' WHERE part = ''",
    ],
    ids=["damaged", "part-missing", "other-format", "header-damaged"],
)
def test_bad_checkpoint_is_passed_over_for_the_rows(site, damage):
    store, fence = site
    running = checkpoint(store, fence)
    change(store)
    execute(store, damage)

    assert seen_by(observer_of(store)) == seen_by(running)


def test_checkpoint_is_written_only_by_who_holds_the_lease(site):
    store, fence = site
    observer = observer_of(store)
    observer.observe(fresh=True)
    with store.write() as work:
        work.lease.release(fence)
        work.lease.acquire("other", timedelta(minutes=1), NOW)

    with pytest.raises(LeaseLostError):
        observer.save_checkpoint(fence)


def test_small_fleet_needs_no_checkpoint(site):
    store, fence = site
    observer = Observer(store)
    observer.observe(fresh=True)

    assert not observer.save_checkpoint(fence)
