"""Columns: what each computer says, found again by value (design decision 1)."""

from datetime import UTC, datetime

import pytest

from reconciler.model.messages import FactValue
from reconciler.observed.columns import IntColumn, instant, micros
from reconciler.observed.facts import FactColumn

NOW = datetime(2026, 3, 2, 9, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("moment", [NOW, datetime(1969, 12, 31, tzinfo=UTC)])
def test_instants_are_exact(moment):
    assert instant(micros(moment)) == moment


def test_column_grows_and_knows_what_was_never_set():
    column = IntColumn()
    column[5000] = 3

    assert (column[5000], column[4999], column[9999]) == (3, micros(None), micros(None))
    assert (set(column.at_least(3)), set(column.above(3))) == ({5000}, set())


VALUES: list[FactValue] = [True, 1, 1.0, "1", ("1",), ()]


@pytest.mark.parametrize("ordinal", range(len(VALUES)))
def test_values_of_different_types_are_different_facts(ordinal):
    column = FactColumn()
    for number, value in enumerate(VALUES):
        column.assign(number, value)

    assert repr(column.value_of(ordinal)) == repr(VALUES[ordinal])
    assert set(column.where(lambda one: repr(one) == repr(VALUES[ordinal]))) == {ordinal}


def test_text_is_found_by_its_exact_value():
    column = FactColumn()
    column.assign(0, "web")
    column.assign(1, 5)
    column.assign(2, ("web",))

    assert set(column.having("web")) == {0}
    assert set(column.having("db")) == set()


def test_fact_that_was_taken_away_is_absent():
    column = FactColumn()
    column.assign(0, "web")
    column.assign(0, None)

    assert (column.value_of(0), set(column.present), column.texts()) == (None, set(), ())
