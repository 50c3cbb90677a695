"""Who is in a collection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto

import re2
from pyroaring import BitMap, FrozenBitMap

from reconciler.desired.naming import collection_names
from reconciler.desired.state import DesiredState
from reconciler.kinds.collection import CollectionSpec
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
from reconciler.observed.facts import FactColumn, FactPart
from reconciler.observed.fleet import KEPT_STATES
from reconciler.observed.memo import Memo
from reconciler.observed.part import AnyFleet
from reconciler.observed.state import ObservedState
from reconciler.observed.steps import Instants
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
    """Members of every collection; what the memo kept of them is only mended."""

    def __init__(
        self, desired: DesiredState, observed: ObservedState, site_name: str, memo: Memo
    ) -> None:
        self._desired = desired
        self._fleet = memo.fleet
        self._catalog = observed.catalog
        self._site_name = site_name
        self._memo = memo
        self._holds = Holds(desired, observed, memo)
        self._verdicts: dict[str, Verdict] = {}
        self._unsure: dict[str, bool] = {}
        self._read: dict[tuple[str, Reading], FrozenBitMap] = {}
        self._lacking: dict[str, int] = {}
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

    def selected(self, key: str, query: Query) -> FrozenBitMap:
        """Give the enrolled computers that a query outside of any collection selects (S5).

        It is kept under the key.
        """
        spec = CollectionSpec.model_construct(query=query, include=(), exclude=(), limit_to=None)
        referred = [
            self._members(one, how)
            for one in sorted(set(collection_names(spec)))
            for how in (Reading.IN_FORCE, Reading.MOST)
        ]
        return self._memo.sets(
            ("selected", key),
            (),
            lambda fleet: {"members": self._select(query, Reading.IN_FORCE, fleet)},
            *referred,
        )["members"]

    def verdict(self, name: str) -> Verdict:
        """Give the membership in force of a collection, and what is held back of it."""
        if name not in self._verdicts:
            found = self._evaluate(name, Reading.IN_FORCE)
            self._verdicts[name] = self._holds.judge(name, found)
        return self._verdicts[name]

    def conditions(self) -> tuple[Condition, ...]:
        """Give what could not be resolved: names that nobody has, facts that many lack."""
        found = (one for name in self._desired.collections for one in self._troubles(name))
        return tuple(sorted({*found, *self._found}))

    def named(self, written: Iterable[str], subject: str) -> FrozenBitMap:
        """Find named computers: an unknown one joins when it enrols (S6), of several none.

        What cannot be resolved is told of the subject.
        """
        found, troubles = self._named(tuple(written), subject)
        self._found.update(troubles)
        return found

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

    def _evaluate(self, name: str, reading: Reading) -> FrozenBitMap:
        spec = self._desired.collections[name].document.spec
        named, _ = self._named(spec.computers, f"Collection/{name}")
        names = self._memo.value(
            ("refers to", name), (), lambda: sorted(set(collection_names(spec)))
        )
        referred = [
            self._members(one, how) for one in names for how in (reading, _WITHOUT[reading])
        ]
        return self._memo.sets(
            ("collection", name, reading),
            (),
            lambda fleet: {"members": self._select_all(spec, named, reading, fleet)},
            *referred,
        )["members"]

    def _select_all(
        self, spec: CollectionSpec, named: FrozenBitMap, reading: Reading, fleet: AnyFleet
    ) -> BitMap:
        members = self._select(spec.query, reading, fleet) if spec.query is not None else BitMap()
        members |= fleet.cut(named)
        for included in spec.include:
            members |= fleet.cut(self._members(included, reading))
        if spec.limit_to is not None:
            members &= self._members(spec.limit_to, reading)
        for excluded in spec.exclude:
            members -= self._members(excluded, _WITHOUT[reading])
        return members & fleet.enrolled

    def _named(
        self, written: tuple[str, ...], subject: str
    ) -> tuple[FrozenBitMap, tuple[Condition, ...]]:
        inputs = (written, self._fleet.roster)
        return self._memo.value(
            ("named", subject), inputs, lambda: self._find_named(written, subject)
        )

    def _find_named(
        self, written: Iterable[str], subject: str
    ) -> tuple[FrozenBitMap, tuple[Condition, ...]]:
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
        troubles = []
        if unknown:
            message = f"{len(unknown)} named computer(s) have not enrolled: {_listed(unknown)}"
            troubles.append(Condition(subject, ConditionType.UNKNOWN_COMPUTER, message))
        if ambiguous:
            message = f"{len(ambiguous)} name(s) are those of several: {_listed(ambiguous)}"
            troubles.append(Condition(subject, ConditionType.AMBIGUOUS_COMPUTER, message))
        return FrozenBitMap(members), tuple(troubles)

    def _troubles(self, name: str) -> Iterator[Condition]:
        subject, spec = f"Collection/{name}", self._desired.collections[name].document.spec
        yield from self._named(spec.computers, subject)[1]
        for fact in self._memo.value(("facts", name), (), lambda: self._facts_of(name)):
            lacking = self._count_lacking(fact)
            if lacking:
                message = f"{lacking} lack fact {fact!r}"
                yield Condition(subject, ConditionType.FACT_MISSING, message)

    def _facts_of(self, name: str) -> tuple[str, ...]:
        query = self._desired.collections[name].document.spec.query
        leaves = _leaves(query) if query is not None else ()
        return tuple(sorted({leaf.fact for leaf in leaves if isinstance(leaf, FactLeaf)}))

    def _count_lacking(self, fact: str) -> int:
        if fact not in self._lacking:
            enrolled, column = self._fleet.enrolled, self._fleet.fact(fact)
            present = enrolled.intersection_cardinality(column.present) if column else 0
            self._lacking[fact] = len(enrolled) - present
        return self._lacking[fact]

    def _select(self, query: Query, reading: Reading, fleet: AnyFleet) -> BitMap:
        """Give the enrolled computers of a fleet that a query selects."""
        match query:
            case AllLeaf():
                return BitMap(fleet.enrolled)
            case AllOf():
                parts = (self._select(part, reading, fleet) for part in query.all_of)
                return BitMap.intersection(*parts)
            case AnyOf():
                parts = (self._select(part, reading, fleet) for part in query.any_of)
                return BitMap.union(*parts)
            case Not():
                return fleet.enrolled - self._select(query.not_, _WITHOUT[reading], fleet)
            case CollectionLeaf():
                return BitMap(fleet.cut(self._members(query.collection, reading)))
            case FactLeaf():
                return _by_fact(query, fleet)
            case UpdateLeaf():
                return self._by_update(query, fleet)
            case LastScanLeaf():
                bound = self._memo.older_than(Instants.SCAN, query.last_scan.older_than)
                return fleet.enrolled - fleet.last_scan_at.at_least(bound)
            case ShardLeaf():
                return _by_shard(query, fleet)

    def _by_update(self, leaf: UpdateLeaf, fleet: AnyFleet) -> BitMap:
        entry = self._catalog.entries.get(leaf.update)
        known = fleet.scan_version.at_least(entry.since) if entry else BitMap()
        said = BitMap.union(*(fleet.in_state(state, leaf.update) for state in KEPT_STATES))
        match leaf.state:
            case UpdateState.NOT_APPLICABLE:
                chosen = known - said
            case UpdateState.UNKNOWN:
                unjudged = fleet.enrolled - known - said
                chosen = fleet.in_state(UpdateState.UNKNOWN, leaf.update) | unjudged
            case _:
                chosen = fleet.in_state(leaf.state, leaf.update)
        return chosen & fleet.enrolled


def _leaves(query: Query) -> Iterator[Query]:
    match query:
        case AllOf():
            parts: Sequence[Query] = query.all_of
        case AnyOf():
            parts = query.any_of
        case Not():
            parts = (query.not_,)
        case _:
            yield query
            return
    for part in parts:
        yield from _leaves(part)


def _by_fact(leaf: FactLeaf, fleet: AnyFleet) -> BitMap:
    enrolled, column = fleet.enrolled, fleet.fact(leaf.fact)
    if column is None:
        return BitMap(enrolled) if leaf.op in {"NotIn", "NotExists"} else BitMap()
    if leaf.op == "Exists":
        return enrolled & column.present
    if leaf.op == "NotExists":
        return enrolled - column.present
    if leaf.op == "NotIn":
        return enrolled - column.where(_any_element(_is_in(leaf.values)))
    if leaf.op.startswith("Version"):
        return enrolled & _by_version(leaf, column, fleet)
    return enrolled & column.where(_any_element(_predicate(leaf)))


def _by_version(leaf: FactLeaf, column: FactColumn | FactPart, fleet: AnyFleet) -> FrozenBitMap:
    """Compare by the computer's own family: rpm order for rhel and suse, else dpkg order."""
    families = fleet.fact("os.family")
    rpm = families.where(_any_element(RPM_FAMILIES.__contains__)) if families else FrozenBitMap()
    by_dpkg = column.where(_any_element(_version_predicate(leaf, _order_of_dpkg)))
    if not rpm:
        return by_dpkg
    by_rpm = column.where(_any_element(_version_predicate(leaf, _order_of_rpm)))
    return (by_rpm & rpm) | (by_dpkg - rpm)


def _by_shard(leaf: ShardLeaf, fleet: AnyFleet) -> BitMap:
    runs = _consecutive(sorted(leaf.shard.in_))
    parts = (fleet.in_shards(numbers, leaf.shard.of) for numbers in runs)
    return BitMap.union(*parts) & fleet.enrolled


def _consecutive(numbers: Sequence[int]) -> Iterator[range]:
    """Give rising numbers as the fewest ranges."""
    begin = 0
    for place, number in enumerate(numbers, start=1):
        if place == len(numbers) or numbers[place] != number + 1:
            yield range(numbers[begin], number + 1)
            begin = place


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
