import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from pyroaring import FrozenBitMap

from reconciler.model.errors import StoreError
from reconciler.model.objects import Advertisement
from reconciler.observed.cohorts import Cohorts
from tests.store.builders import (
    ADVERTISEMENT,
    LATER,
    MEMBERSHIP,
    NOW,
    PACKAGE,
    RECORDS,
    RELEASE,
)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_record_comes_back_as_it_was_put(store, record):
    with store.write() as work:
        work.records.put(record)

    with store.read() as view:
        assert view.records.all(type(record)) == [record]
        assert view.records.find(record) == record


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_dropped_record_is_gone_and_dropping_it_again_is_fine(store, record):
    with store.write() as work:
        work.records.put(record)
        work.records.drop(record)
        work.records.drop(record)

        assert work.records.all(type(record)) == []


@pytest.mark.parametrize("awaited", [None, FrozenBitMap(), FrozenBitMap([70_000])])
def test_who_is_awaited_comes_back_as_it_was_put(store, awaited):
    """Nobody is another thing than not yet (S17)."""
    joined = Cohorts().at(NOW, FrozenBitMap([5])).at(LATER, FrozenBitMap([0]))
    record = replace(MEMBERSHIP, joined=joined, capped=joined, awaited=awaited)
    with store.write() as work:
        work.records.put(record)

        assert work.records.find(record) == record


def test_put_replaces_the_record_with_its_key(store):
    held = replace(ADVERTISEMENT, held=True)
    with store.write() as work:
        work.records.put(ADVERTISEMENT)
        work.records.put(held)

        assert work.records.all(Advertisement) == [held]


def test_memory_holds_every_record_by_key(store):
    with store.write() as work:
        for record in RECORDS:
            work.records.put(record)
        memory = work.records.load_memory()

    assert memory.releases == {("web", 1): RELEASE}
    assert memory.advertisements == {("PWR00002",): ADVERTISEMENT}
    found = [memory.phases, memory.memberships, memory.tokens, memory.programs, memory.assignments]
    assert [len(records) for records in found] == [1, 1, 1, 1, 1]


def test_object_number_is_never_used_again(store):
    with store.write() as work:
        assert work.records.load_memory().next_number == 1
        work.records.put(replace(PACKAGE, id="PWR000FF"))
        work.records.drop(replace(PACKAGE, id="PWR000FF"))
        work.records.put(PACKAGE)

    with store.read() as view:
        assert view.records.load_memory().next_number == 0x100


def test_view_refuses_to_write(store):
    with pytest.raises(StoreError, match="reading only"), store.read() as view:
        view.records.put(RELEASE)


def test_unit_of_work_rolls_back_on_an_exception(store):
    def fail():
        with store.write() as work:
            work.records.put(RELEASE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    with store.read() as view:
        assert view.records.all(type(RELEASE)) == []
        assert view.policy_version() == 0


def test_view_is_one_snapshot(store):
    with store.read() as view:
        before = view.records.all(type(RELEASE))
        with store.write() as work:
            work.records.put(RELEASE)

        assert view.records.all(type(RELEASE)) == before == []


def test_damaged_row_is_named(store):
    with store.write() as work:
        work.records.put(RELEASE)
    with closing(sqlite3.connect(store.path)) as raw, raw:
        raw.execute("UPDATE record SET body = '{'")

    with (
        pytest.raises(StoreError, match=r"Release .*web.*1.* cannot be read"),
        store.read() as view,
    ):
        view.records.load_memory()
