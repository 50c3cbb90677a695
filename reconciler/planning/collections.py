"""Who is in a collection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum, auto

import re2
from pyroaring import BitMap, FrozenBitMap

from reconciler.desired.naming import collection_names
from reconciler.desired.state import DesiredState
from reconciler.kinds.query import (
    AllLeaf,
    AllOf,
    AnyOf,
    CollectionLeaf,
    FactLeaf,
    LastScanLeaf,
    Not,
    Query,
    ShardLeaf,
    UpdateLeaf,
)
from reconciler.model.messages import FactValue
from reconciler.model.updates import UpdateState
from reconciler.model.versions import compare_dpkg, compare_rpm
from reconciler.observed.columns import micros
from reconciler.observed.state import ObservedState
from reconciler.planning.conditions import Condition, ConditionType
from reconciler.planning.holds import Holds, Verdict

_MOST_NAMED = 5
RPM_FAMILIES = frozenset({"rhel", "suse"})
_DIGIT_FIRST = re.compile(r"[0-9]+:[0-9].*|[0-9][^:]*", re.ASCII)


class Reading(Enum):
    """Which members count where a collection is held: those in force, or the most or least.

    The most are whoever was or would be a member, the least who was and would be.
    """

    IN_FORCE = auto()
    MOST = auto()
    LEAST = auto()


_WITHOUT = {
    Reading.IN_FORCE: Reading.MOST,
    Reading.MOST: Reading.LEAST,
    Reading.LEAST: Reading.MOST,
}
"""How to read what is taken away: an exclusion protects, so that old and new both count."""


class Collections:
    """Members of every collection, each evaluated once."""

    def __init__(
        self, desired: DesiredState, observed: ObservedState, site_name: str, now: datetime
    ) -> None:
        self._desired = desired
        self._fleet = observed.fleet
        self._catalog = observed.catalog
        self._site_name = site_name
        self._now = now
        self._holds = Holds(desired, observed, now)
        self._verdicts: dict[str, Verdict] = {}
        self._unsure: dict[str, bool] = {}
        self._read: dict[tuple[str, Reading], FrozenBitMap] = {}
        self._found: set[Condition] = set()

    def members(self, name: str) -> FrozenBitMap:
        """Give ((query + computers + includes) & limitTo) - excludes, of enrolled ones (S5).

        Where that is too large a change it is held: the members in force stay (S7).
        """
        return self.verdict(name).roll.members

    def guarded(self, name: str) -> FrozenBitMap:
        """Give whom a collection protects where it does: in a freeze, waiver or budget.

        Old and new members both count while it, or what it refers to, is held (S7).
        """
        return self._members(name, Reading.MOST)

    def verdict(self, name: str) -> Verdict:
        """Give the membership in force of a collection, and what is held back of it."""
        if name not in self._verdicts:
            found = FrozenBitMap(self._evaluate(name, Reading.IN_FORCE))
            self._verdicts[name] = self._holds.judge(name, found)
        return self._verdicts[name]

    def conditions(self) -> tuple[Condition, ...]:
        """Give what the evaluations so far could not resolve."""
        return tuple(sorted(self._found))

    def select(self, query: Query, subject: str, reading: Reading = Reading.IN_FORCE) -> BitMap:
        """Give the enrolled computers that a query selects."""
        match query:
            case AllLeaf():
                return BitMap(self._fleet.enrolled)
            case AllOf():
                parts = (self.select(part, subject, reading) for part in query.all_of)
                return BitMap.intersection(*parts)
            case AnyOf():
                parts = (self.select(part, subject, reading) for part in query.any_of)
                return BitMap.union(*parts)
            case Not():
                return self._fleet.enrolled - self.select(query.not_, subject, _WITHOUT[reading])
            case CollectionLeaf():
                return BitMap(self._members(query.collection, reading))
            case FactLeaf():
                return self._by_fact(query, subject)
            case UpdateLeaf():
                return self._by_update(query)
            case LastScanLeaf():
                bound = micros(self._now - query.last_scan.older_than)
                return self._fleet.enrolled - self._fleet.last_scan_at.at_least(bound)
            case ShardLeaf():
                return self._by_shard(query)

    def _members(self, name: str, reading: Reading) -> FrozenBitMap:
        in_force = self.members(name)
        if reading is Reading.IN_FORCE or not self._is_unsure(name):
            return in_force
        if (name, reading) not in self._read:
            found = self._evaluate(name, reading)
            if self._verdicts[name].held is not None:
                found = found | in_force if reading is Reading.MOST else found & in_force
            self._read[name, reading] = FrozenBitMap(found)
        return self._read[name, reading]

    def _is_unsure(self, name: str) -> bool:
        """Tell whether the collection or one that it depends on is held."""
        if name not in self._unsure:
            names = collection_names(self._desired.collections[name].document.spec)
            held = self.verdict(name).held is not None
            self._unsure[name] = held or any(self._is_unsure(one) for one in names)
        return self._unsure[name]

    def _evaluate(self, name: str, reading: Reading) -> BitMap:
        spec = self._desired.collections[name].document.spec
        subject = f"Collection/{name}"
        members = self.select(spec.query, subject, reading) if spec.query else BitMap()
        members |= self.named(spec.computers, subject)
        for included in spec.include:
            members |= self._members(included, reading)
        if spec.limit_to is not None:
            members &= self._members(spec.limit_to, reading)
        for excluded in spec.exclude:
            members -= self._members(excluded, _WITHOUT[reading])
        return members & self._fleet.enrolled

    def named(self, written: Iterable[str], subject: str) -> BitMap:
        """Find named computers: an unknown one joins when it enrols (S6), of several none.

        What cannot be resolved is told of the subject.
        """
        members = BitMap()
        unknown: list[str] = []
        ambiguous: list[str] = []
        for one in written:
            site, _, name = one.rpartition("/")
            found = self._fleet.named(name) if site in {"", self._site_name} else BitMap()
            if len(found) == 1:
                members |= found
            else:
                (ambiguous if found else unknown).append(one)
        if unknown:
            message = f"{len(unknown)} named computer(s) have not enrolled: {_listed(unknown)}"
            self._tell(subject, ConditionType.UNKNOWN_COMPUTER, message)
        if ambiguous:
            message = f"{len(ambiguous)} name(s) are those of several: {_listed(ambiguous)}"
            self._tell(subject, ConditionType.AMBIGUOUS_COMPUTER, message)
        return members

    def _by_fact(self, leaf: FactLeaf, subject: str) -> BitMap:
        enrolled = self._fleet.enrolled
        column = self._fleet.facts.get(leaf.fact)
        present = column.present & enrolled if column is not None else BitMap()
        if len(present) < len(enrolled):
            lacking = len(enrolled) - len(present)
            self._tell(subject, ConditionType.FACT_MISSING, f"{lacking} lack fact {leaf.fact!r}")
        if leaf.op == "Exists":
            return BitMap(present)
        if leaf.op == "NotExists":
            return enrolled - present
        if column is None:
            return BitMap(enrolled) if leaf.op == "NotIn" else BitMap()
        if leaf.op == "NotIn":
            return enrolled - column.where(_any_element(_is_in(leaf.values)))
        if leaf.op.startswith("Version"):
            return enrolled & self._by_version(leaf)
        return enrolled & column.where(_any_element(_predicate(leaf)))

    def _by_version(self, leaf: FactLeaf) -> BitMap:
        """Compare by the computer's own family: rpm order for rhel and suse, else dpkg order."""
        column = self._fleet.facts[leaf.fact]
        families = self._fleet.facts.get("os.family")
        rpm = families.where(_any_element(RPM_FAMILIES.__contains__)) if families else BitMap()
        by_rpm = column.where(_any_element(_version_predicate(leaf, _order_of_rpm)))
        by_dpkg = column.where(_any_element(_version_predicate(leaf, _order_of_dpkg)))
        return BitMap((by_rpm & rpm) | (by_dpkg - rpm))

    def _by_update(self, leaf: UpdateLeaf) -> BitMap:
        fleet = self._fleet
        entry = self._catalog.entries.get(leaf.update)
        known = fleet.scan_version.at_least(entry.since) if entry else BitMap()
        said = BitMap.union(*(fleet.in_state(state, leaf.update) for state in fleet.states))
        match leaf.state:
            case UpdateState.NOT_APPLICABLE:
                chosen = known - said
            case UpdateState.UNKNOWN:
                unjudged = fleet.enrolled - known - said
                chosen = fleet.in_state(UpdateState.UNKNOWN, leaf.update) | unjudged
            case _:
                chosen = fleet.in_state(leaf.state, leaf.update)
        return chosen & fleet.enrolled

    def _by_shard(self, leaf: ShardLeaf) -> BitMap:
        parts = (self._fleet.in_shard(number, leaf.shard.of) for number in leaf.shard.in_)
        return BitMap.union(*parts) & self._fleet.enrolled

    def _tell(self, subject: str, type_: ConditionType, message: str) -> None:
        self._found.add(Condition(subject, type_, message))


def _listed(names: list[str]) -> str:
    """Name the first few: a table may name a hundred thousand."""
    return ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")


def _any_element(accepts: Callable[[FactValue], bool]) -> Callable[[FactValue], bool]:
    """For a list one element is enough (S5)."""
    return lambda value: (
        any(accepts(item) for item in value) if isinstance(value, tuple) else accepts(value)
    )


def _predicate(leaf: FactLeaf) -> Callable[[FactValue], bool]:
    if leaf.op == "In":
        return _is_in(leaf.values)
    if leaf.op == "Matches":
        patterns = [re2.compile(str(value)) for value in leaf.values]
        return lambda value: (
            isinstance(value, str) and any(pattern.fullmatch(value) for pattern in patterns)
        )
    compare = _ORDERS[leaf.op]
    return lambda value: (
        _is_number(value)
        and any(_is_number(bound) and compare(value, bound) for bound in leaf.values)
    )


def _is_in(values: tuple[FactValue, ...]) -> Callable[[FactValue], bool]:
    """Compare within a kind of value: `true` is not 1, while 1 and 1.0 agree."""
    wanted = {(_kind_of(value), value) for value in values}
    return lambda value: (_kind_of(value), value) in wanted


def _kind_of(value: FactValue) -> type:
    return float if _is_number(value) else type(value)


def _is_number(value: FactValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _version_predicate(
    leaf: FactLeaf, compare: Callable[[str, str], int | None]
) -> Callable[[FactValue], bool]:
    accepts = _SIGNS[leaf.op.removeprefix("Version")]

    def holds(value: FactValue) -> bool:
        if not isinstance(value, str):
            return False
        signs = (compare(value, str(bound)) for bound in leaf.values)
        return any(sign is not None and accepts(sign) for sign in signs)

    return holds


def _order_of_dpkg(first: str, second: str) -> int | None:
    """Compare two versions, where both begin with a digit as Debian's policy asks."""
    if not (_DIGIT_FIRST.fullmatch(first) and _DIGIT_FIRST.fullmatch(second)):
        return None
    return _order_or_nothing(compare_dpkg, first, second)


def _order_of_rpm(first: str, second: str) -> int | None:
    return _order_or_nothing(compare_rpm, first, second)


def _order_or_nothing(compare: Callable[[str, str], int], first: str, second: str) -> int | None:
    """Compare two versions; nothing where one of them is none."""
    try:
        return compare(first, second)
    except ValueError:
        return None


_ORDERS: Mapping[str, Callable[[object, object], bool]] = {
    "Lt": lambda value, bound: value < bound,  # type: ignore[operator]  # both are numbers
    "Le": lambda value, bound: value <= bound,  # type: ignore[operator]  # both are numbers
    "Gt": lambda value, bound: value > bound,  # type: ignore[operator]  # both are numbers
    "Ge": lambda value, bound: value >= bound,  # type: ignore[operator]  # both are numbers
}
_SIGNS: Mapping[str, Callable[[int], bool]] = {
    "Lt": lambda sign: sign < 0,
    "Le": lambda sign: sign <= 0,
    "Gt": lambda sign: sign > 0,
    "Ge": lambda sign: sign >= 0,
}
