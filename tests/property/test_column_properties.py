"""Columns answer as a look at every single value would, however often they change."""

from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from reconciler.model.computers import Run, RunOutcome
from reconciler.observed.changes import ChangeLog
from reconciler.observed.columns import NEVER, IntColumn, IntPart, micros
from reconciler.observed.facts import FactColumn, FactPart
from reconciler.observed.runs import RunColumn, RunPart
from tests.property.test_fleet_properties import NOW, facts

ordinals = st.integers(0, 40)
values = st.one_of(st.just(NEVER), st.integers(-3, 12))
bounds = st.integers(-4, 13)
parts = st.frozensets(ordinals)


def array(part):
    return np.array(sorted(part), dtype=np.uint32)


@given(st.lists(st.one_of(st.tuples(ordinals, values), bounds), max_size=60), parts)
def test_bounds_of_a_column_are_those_of_its_values(steps, part):
    """Bounds are asked between changes, so that they meet an order of every age."""
    column, plain = IntColumn(worth=1), {}
    for step in steps:
        if isinstance(step, tuple):
            column[step[0]], plain[step[0]] = step[1], step[1]
        else:
            found = {one for one, value in plain.items() if value >= step}
            assert set(column.at_least(step)) == found
            assert set(IntPart(column, array(part)).at_least(step)) == found & part
            above = {one for one, value in plain.items() if value > step}
            assert set(column.above(step)) == above
            assert set(IntPart(column, array(part)).above(step)) == above & part


@given(st.lists(st.lists(st.tuples(ordinals, values), max_size=9), max_size=6), bounds)
def test_many_values_at_once_are_the_same_as_one_by_one(batches, bound):
    column, plain = IntColumn(worth=1), IntColumn(worth=1000)
    for batch in batches:
        newest = dict(batch)
        told = np.array([newest[one] for one in sorted(newest)], dtype=np.int64)
        column.assign(array(newest), told)
        for one, value in newest.items():
            plain[one] = value
        assert column.at_least(bound) == plain.at_least(bound)
    assert [column[one] for one in range(41)] == [plain[one] for one in range(41)]


@given(
    st.lists(st.one_of(st.tuples(ordinals, st.one_of(st.none(), facts)), facts), max_size=40),
    st.integers(0, 6),
    parts,
)
def test_fact_is_found_by_value_with_and_without_bitmaps(steps, most, part):
    column, plain = FactColumn(most=most), {}
    for step in steps:
        if isinstance(step, tuple) and len(step) == 2:
            column.assign(*step)
            plain[step[0]] = step[1]
            continue
        key = (type(step), step)
        found = {one for one, value in plain.items() if (type(value), value) == key}
        few = FactPart(column, array(part))

        def accepts(value, key=key):
            return (type(value), value) == key

        assert set(column.where(accepts)) == found
        assert set(few.where(accepts)) == found & part
        assert set(column.having(str(step))) == {
            one for one, value in plain.items() if value == str(step)
        }
        told = {one: value for one, value in plain.items() if value is not None}
        assert (set(column.present), set(few.present)) == (set(told), set(told) & part)
        assert set(column.texts()) == {one for one in told.values() if isinstance(one, str)}


hours = st.integers(0, 9)
runs = st.tuples(ordinals, hours, st.one_of(st.none(), hours), st.sampled_from(list(RunOutcome)))


def at(hour):
    return None if hour is None else NOW + timedelta(hours=hour)


@given(st.lists(st.one_of(runs, ordinals, hours.map(at)), max_size=50), st.integers(0, 9), parts)
def test_runs_are_found_by_their_instants(steps, fresh, part):
    """A number forgets a computer's run, and an instant is a bound to ask for."""
    column, plain = RunColumn(most_fresh=fresh), {}
    for step in steps:
        if isinstance(step, tuple):
            who, began, ended, outcome = step
            run = plain[who] = Run("web", 1, outcome, at(began), at(ended))
            column.assign(who, run)
        elif isinstance(step, int):
            column.forget(step)
            plain.pop(step, None)
        else:
            bound, few = micros(step), RunPart(column, BitMap(part))
            began = {one for one, run in plain.items() if run.began_at >= step}
            ended = {one for one, run in plain.items() if run.ended_at and run.ended_at > step}
            assert set(column.began_at.at_least(bound)) == began
            assert set(column.ended_at.above(bound)) == ended
            assert set(few.began_at.at_least(bound)) == began & part
            assert set(few.ended_at.above(bound)) == ended & part
            everybody = array(range(45))
            assert list(column.began_at.take(everybody)) == [
                micros(plain[one].began_at) if one in plain else NEVER for one in range(45)
            ]


@given(st.lists(st.frozensets(ordinals), max_size=300))
def test_log_knows_who_changed_or_says_that_it_does_not(steps):
    log = ChangeLog()
    for step in steps:
        log.add(BitMap(step))
    for version in range(len(steps) + 1):
        told = log.since(version)
        if told is None:
            assert len(steps) - version > 200
        else:
            assert set(told) == set().union(*steps[version:])
    assert log.since(len(steps) + 1) is None
