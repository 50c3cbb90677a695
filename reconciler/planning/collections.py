"""Who is in a collection (S5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import re2
from pyroaring import BitMap, FrozenBitMap

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
from reconciler.observed.catalog import Catalog
from reconciler.observed.facts import FactColumn, FactPart
from reconciler.observed.fleet import KEPT_STATES
from reconciler.observed.memo import Instants, Memo
from reconciler.observed.part import AnyFleet
from reconciler.planning.conditions import Condition, ConditionType

RPM_FAMILIES = frozenset({"rhel", "suse"})
_DIGIT_FIRST = re.compile(r"[0-9]+:[0-9].*|[0-9][^:]*", re.ASCII)


class Collections:
    """Members of every collection; what the memo kept of them is only mended."""

    def __init__(self, desired: DesiredState, catalog: Catalog, site_name: str, memo: Memo) -> None:
        self._desired = desired
        self._fleet = memo.fleet
        self._catalog = catalog
        self._site_name = site_name
        self._memo = memo
        self._lacking: dict[str, int] = {}

    def members(self, name: str) -> FrozenBitMap:
        """Give ((query + computers + includes) & limitTo) - excludes, of enrolled ones (S5)."""
        return self._memo.members(
            ("collection", name), (), lambda fleet: self._evaluate(name, fleet)
        )

    def conditions(self) -> tuple[Condition, ...]:
        """Give what collections could not resolve: names that nobody has, facts that many lack."""
        found = (one for name in self._desired.collections for one in self._troubles(name))
        return tuple(sorted(found))

    def _evaluate(self, name: str, fleet: AnyFleet) -> BitMap:
        spec = self._desired.collections[name].document.spec
        members = self._select(spec.query, fleet) if spec.query is not None else BitMap()
        members |= self._named(name)[0]
        for included in spec.include:
            members |= self.members(included)
        if spec.limit_to is not None:
            members &= self.members(spec.limit_to)
        for excluded in spec.exclude:
            members -= self.members(excluded)
        return members & fleet.enrolled

    def _named(self, name: str) -> tuple[FrozenBitMap, tuple[Condition, ...]]:
        """Find the named computers, and say which cannot be found."""
        roster = self._fleet.roster
        return self._memo.value(("named", name), roster, lambda: self._find_named(name))

    def _find_named(self, name: str) -> tuple[FrozenBitMap, tuple[Condition, ...]]:
        """Find named computers: an unknown one joins when it enrols (S6), of several none."""
        members, troubles = BitMap(), []
        subject = f"Collection/{name}"
        for written in self._desired.collections[name].document.spec.computers:
            site, _, bare = written.rpartition("/")
            found = self._fleet.named(bare) if site in {"", self._site_name} else BitMap()
            if len(found) == 1:
                members |= found
            elif found:
                message = f"several are named {written!r}"
                troubles.append(Condition(subject, ConditionType.AMBIGUOUS_COMPUTER, message))
            else:
                message = f"none is named {written!r}"
                troubles.append(Condition(subject, ConditionType.UNKNOWN_COMPUTER, message))
        return FrozenBitMap(members), tuple(troubles)

    def _troubles(self, name: str) -> Iterator[Condition]:
        yield from self._named(name)[1]
        query = self._desired.collections[name].document.spec.query
        for fact in sorted(_facts_of(query)) if query is not None else ():
            lacking = self._count_lacking(fact)
            if lacking:
                message = f"{lacking} lack fact {fact!r}"
                yield Condition(f"Collection/{name}", ConditionType.FACT_MISSING, message)

    def _count_lacking(self, fact: str) -> int:
        if fact not in self._lacking:
            enrolled, column = self._fleet.enrolled, self._fleet.fact(fact)
            present = enrolled.intersection_cardinality(column.present) if column else 0
            self._lacking[fact] = len(enrolled) - present
        return self._lacking[fact]

    def _select(self, query: Query, fleet: AnyFleet) -> BitMap:
        """Give the enrolled computers of a fleet that a query selects."""
        match query:
            case AllLeaf():
                return BitMap(fleet.enrolled)
            case AllOf():
                return BitMap.intersection(*(self._select(part, fleet) for part in query.all_of))
            case AnyOf():
                return BitMap.union(*(self._select(part, fleet) for part in query.any_of))
            case Not():
                return fleet.enrolled - self._select(query.not_, fleet)
            case CollectionLeaf():
                return fleet.enrolled & self.members(query.collection)
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


def _facts_of(query: Query) -> set[str]:
    return {leaf.fact for leaf in _leaves(query) if isinstance(leaf, FactLeaf)}


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


def _by_version(leaf: FactLeaf, column: FactColumn | FactPart, fleet: AnyFleet) -> BitMap:
    """Compare by the computer's own family: rpm order for rhel and suse, else dpkg order."""
    families = fleet.fact("os.family")
    rpm = families.where(_any_element(RPM_FAMILIES.__contains__)) if families else BitMap()
    by_rpm = column.where(_any_element(_version_predicate(leaf, _order_of_rpm)))
    by_dpkg = column.where(_any_element(_version_predicate(leaf, _order_of_dpkg)))
    return BitMap((by_rpm & rpm) | (by_dpkg - rpm))


def _by_shard(leaf: ShardLeaf, fleet: AnyFleet) -> BitMap:
    parts = (fleet.in_shard(number, leaf.shard.of) for number in leaf.shard.in_)
    return BitMap.union(*parts) & fleet.enrolled


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
