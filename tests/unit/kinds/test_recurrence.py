"""Dates of recurrence rules (S4)."""

from datetime import date
from itertools import islice

import pytest

from reconciler.kinds.recurrence_text import parse_recurrence


def dates(rule: str, anchor: date | None = None, count: int = 3) -> list[str]:
    return [str(day) for day in islice(parse_recurrence(rule).dates(anchor), count)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY", ["2000-01-01", "2000-01-02", "2000-01-03"]),
        ("FREQ=WEEKLY;BYDAY=SA", ["2000-01-01", "2000-01-08", "2000-01-15"]),
        ("FREQ=MONTHLY;BYDAY=2TU", ["2000-01-11", "2000-02-08", "2000-03-14"]),
        ("FREQ=MONTHLY;BYDAY=-1SU", ["2000-01-30", "2000-02-27", "2000-03-26"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["2000-01-31", "2000-03-31", "2000-05-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["2000-01-31", "2000-02-29", "2000-03-31"]),
        ("FREQ=MONTHLY;BYDAY=TU,1SA", ["2000-01-01", "2000-01-04", "2000-01-11"]),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            ["2000-01-31", "2000-02-29", "2000-03-31"],
        ),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["2000-02-29", "2004-02-29", "2008-02-29"]),
        ("FREQ=YEARLY;BYYEARDAY=-1", ["2000-12-31", "2001-12-31", "2002-12-31"]),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU", ["2005-01-02", "2010-01-03", "2016-01-03"]),
        ("FREQ=DAILY;UNTIL=20000102", ["2000-01-01", "2000-01-02"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", []),
        ("FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1", []),
    ],
)
def test_rule_gives_its_days(rule, expected):
    assert dates(rule) == expected


@pytest.mark.parametrize(
    ("rule", "anchor", "expected"),
    [
        ("FREQ=WEEKLY", date(2025, 9, 3), ["2025-09-03", "2025-09-10", "2025-09-17"]),
        ("FREQ=MONTHLY", date(2025, 1, 31), ["2025-01-31", "2025-03-31", "2025-05-31"]),
        ("FREQ=YEARLY", date(2024, 2, 29), ["2024-02-29", "2028-02-29", "2032-02-29"]),
        ("FREQ=DAILY;INTERVAL=10", date(2025, 9, 3), ["2025-09-03", "2025-09-13", "2025-09-23"]),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO",
            date(2025, 9, 3),
            ["2025-09-15", "2025-09-29", "2025-10-13"],
        ),
        ("FREQ=DAILY;COUNT=2", date(2025, 9, 3), ["2025-09-03", "2025-09-04"]),
    ],
)
def test_anchor_decides_what_the_rule_leaves_open(rule, anchor, expected):
    assert dates(rule, anchor) == expected


def test_anchor_is_no_occurrence_by_itself():
    assert dates("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", date(2025, 9, 3))[0] == "2025-09-15"


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;INTERVAL=3", "FREQ=YEARLY;INTERVAL=4;BYMONTH=5;BYMONTHDAY=3"]
)
def test_beginning_later_leaves_out_the_earlier_days_only(rule):
    anchor, since = date(2000, 2, 3), date(2011, 5, 1)
    whole = [day for day in islice(parse_recurrence(rule).dates(anchor), 2000) if day >= since]
    later = parse_recurrence(rule).dates(anchor, since=since)

    assert list(islice(later, 5)) == whole[:5]


@pytest.mark.parametrize(
    ("rule", "needed"),
    [
        ("FREQ=DAILY", False),
        ("FREQ=DAILY;INTERVAL=2", True),
        ("FREQ=DAILY;COUNT=2", True),
        ("FREQ=WEEKLY", True),
        ("FREQ=MONTHLY;BYMONTHDAY=1", False),
        ("FREQ=YEARLY;BYMONTH=3", True),
    ],
)
def test_anchor_is_needed_where_the_rule_is_not_firm(rule, needed):
    assert parse_recurrence(rule).needs_anchor is needed


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "FREQ",
        "FREQ=",
        "freq=daily",
        "FREQ=DAILY;",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=1001",
        "FREQ=DAILY;COUNT=-1",
        "FREQ=DAILY;UNTIL=20250230",
        "FREQ=DAILY;BYSETPOS=1",
        "FREQ=DAILY;BYWEEKNO=1",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=MONTHLY;BYDAY=0SA",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=YEARLY;BYWEEKNO=1",
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=2MO",
        "FREQ=DAILY;WKST=XX",
        "FREQ=DAILY;BYMONTH=" + "1," * 300 + "1",
    ],
)
def test_rule_that_is_none_is_refused(rule):
    with pytest.raises(ValueError, match=r".+"):
        parse_recurrence(rule)
