"""Recurrence rules of RFC 5545 over whole days, as windows use them (S4).

A rule is judged by asking of each day whether it fits, so that a rule that never occurs ends the
search after a hundred years; libraries go on until the year 9999.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache

DEFAULT_ANCHOR = date(2000, 1, 1)
SEARCHED_YEARS = 100


@dataclass(frozen=True)
class Recurrence:
    """A rule's parts; `by_day` holds (ordinal or 0, weekday from Monday = 0)."""

    frequency: str
    interval: int = 1
    count: int | None = None
    until: date | None = None
    by_month: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_week_number: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    by_set_position: tuple[int, ...] = ()
    week_start: int = 0

    @property
    def needs_anchor(self) -> bool:
        """Tell whether the rule says nothing firm without a first date (S4)."""
        return self.interval > 1 or self.count is not None or self.leaves_day_open

    @property
    def leaves_day_open(self) -> bool:
        """Tell whether the day of the week, month or year comes from the anchor alone."""
        if self.frequency == "DAILY" or self.by_day:
            return False
        return not (self.by_month_day or self.by_year_day)

    def dates(self, anchor: date | None = None, *, since: date | None = None) -> Iterator[date]:
        """Yield the dates in order, from the anchor or, where later, from `since` on.

        The search ends a hundred years after the later of the two.
        """
        first = anchor or DEFAULT_ANCHOR
        wanted = max(first, since or first)
        last = date(min(wanted.year + SEARCHED_YEARS, date.max.year), 12, 31)
        last = last if self.until is None else min(last, self.until)
        left = self.count if self.count is not None else -1
        # Occurrences that are numbered have to be counted from the first.
        begin = first if self.count is not None else wanted
        for period in _periods(self, first, begin, last):
            for day in self._chosen(period, first):
                if day > last or not left:
                    return
                if day >= first:
                    left -= 1
                    if day >= wanted:
                        yield day

    @cached_property
    def _filters(self) -> tuple[Callable[[date], bool], ...]:
        rules: list[Callable[[date], bool]] = []
        if self.by_month:
            rules.append(lambda day: day.month in self.by_month)
        if self.by_month_day:
            rules.append(lambda day: not _month_places(day).isdisjoint(self.by_month_day))
        if self.by_year_day:
            rules.append(lambda day: not _year_places(day).isdisjoint(self.by_year_day))
        if self.by_week_number:
            rules.append(self._is_in_week)
        if self.by_day:
            rules.append(lambda day: not self._weekday_places(day).isdisjoint(self.by_day))
        return tuple(rules)

    def _chosen(self, period: range, first: date) -> list[date]:
        days = [day for day in map(date.fromordinal, period) if all(f(day) for f in self._filters)]
        if self.leaves_day_open:
            days = [day for day in days if _has_day_of(day, first, self)]
        if not self.by_set_position:
            return days
        places = {
            position - 1 if position > 0 else len(days) + position
            for position in self.by_set_position
        }
        return [day for place, day in enumerate(days) if place in places]

    def _weekday_places(self, day: date) -> set[tuple[int, int]]:
        """Give all the names of a weekday: any such day, the n-th, the n-th from the end."""
        weekday = day.weekday()
        if self.frequency in {"DAILY", "WEEKLY"}:
            return {(0, weekday)}
        if self.frequency == "YEARLY" and not self.by_month:
            number = day.timetuple().tm_yday
            length = 366 if calendar.isleap(day.year) else 365
        else:
            number, length = day.day, calendar.monthrange(day.year, day.month)[1]
        ahead, behind = (number - 1) // 7 + 1, -((length - number) // 7 + 1)
        return {(0, weekday), (ahead, weekday), (behind, weekday)}

    def _is_in_week(self, day: date) -> bool:
        number, weeks = _week_number(day, self.week_start)
        return number in self.by_week_number or number - weeks - 1 in self.by_week_number


def _has_day_of(day: date, first: date, rule: Recurrence) -> bool:
    match rule.frequency:
        case "WEEKLY":
            return day.weekday() == first.weekday()
        case "MONTHLY":
            return day.day == first.day
        case _:
            return day.day == first.day and (bool(rule.by_month) or day.month == first.month)


def _periods(rule: Recurrence, first: date, begin: date, last: date) -> Iterator[range]:
    """Yield every interval-th day, week, month or year as a range of ordinals.

    They are counted from `first`; those that end before `begin` are left out.
    """
    match rule.frequency:
        case "DAILY":
            for start in _steps(
                first.toordinal(), begin.toordinal(), last.toordinal(), rule.interval
            ):
                yield range(start, start + 1)
        case "WEEKLY":
            opening = first.toordinal() - (first.weekday() - rule.week_start) % 7
            for start in _steps(opening, begin.toordinal(), last.toordinal(), 7 * rule.interval):
                yield range(start, min(start + 7, date.max.toordinal()))
        case "MONTHLY":
            for month in _steps(_month(first), _month(begin), _month(last), rule.interval):
                if not rule.by_month or month % 12 + 1 in rule.by_month:
                    yield _month_range(month // 12, month % 12 + 1)
        case _:
            for year in _steps(first.year, begin.year, last.year, rule.interval):
                yield _year_range(year, rule)


def _steps(first: int, begin: int, last: int, interval: int) -> range:
    """Count from `first` by intervals, from the last step that is not after `begin` on."""
    return range(first + (begin - first) // interval * interval, last + 1, interval)


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def _month_range(year: int, month: int) -> range:
    start = date(year, month, 1).toordinal()
    return range(start, start + calendar.monthrange(year, month)[1])


def _year_range(year: int, rule: Recurrence) -> range:
    # A week of the year may reach into its neighbours, but RFC 5545 keeps to the year's own days.
    months = rule.by_month or (1, 12)
    return range(
        _month_range(year, min(months)).start,
        _month_range(year, max(months)).stop,
    )


@lru_cache(maxsize=4096)
def _month_places(day: date) -> frozenset[int]:
    length = calendar.monthrange(day.year, day.month)[1]
    return frozenset({day.day, day.day - length - 1})


@lru_cache(maxsize=4096)
def _year_places(day: date) -> frozenset[int]:
    number = day.timetuple().tm_yday
    length = 366 if calendar.isleap(day.year) else 365
    return frozenset({number, number - length - 1})


def _week_number(day: date, week_start: int) -> tuple[int, int]:
    """Give the number of the day's week and how many its week-year has; week 1 has four days."""
    middle = day + timedelta(days=3 - (day.weekday() - week_start) % 7)
    opening = _first_week(middle.year, week_start)
    weeks = (_first_week(middle.year + 1, week_start) - opening).days // 7
    return (day - opening).days // 7 + 1, weeks


def _first_week(year: int, week_start: int) -> date:
    fourth = date(year, 1, 4)
    return fourth - timedelta(days=(fourth.weekday() - week_start) % 7)
