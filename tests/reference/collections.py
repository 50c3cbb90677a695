"""Who is in a collection, computer by computer (S5, S6)."""

import hashlib
import re
from collections.abc import Callable, Iterator

import re2

from reconciler.kinds.collection import CollectionSpec
from reconciler.kinds.query import (
    AllLeaf,
    AllOf,
    AnyOf,
    CollectionLeaf,
    FactLeaf,
    LastScanLeaf,
    Not,
    ShardLeaf,
    UpdateLeaf,
)
from reconciler.model.computers import Computer
from reconciler.model.updates import UpdateState
from reconciler.model.versions import compare_dpkg, compare_rpm
from tests.reference.sight import SITE, Sight

MembersOf = Callable[[str], set[str]]
_ORDERS: dict[str, Callable[[int], bool]] = {
    "Lt": lambda order: order < 0,
    "Le": lambda order: order <= 0,
    "Gt": lambda order: order > 0,
    "Ge": lambda order: order >= 0,
}


def declared_members(
    sight: Sight, spec: CollectionSpec, members_of: MembersOf, protected_of: MembersOf
) -> set[str]:
    """Give ((query + computers + includes) within limitTo) without the excludes (S5).

    `protected_of` gives the members of what is excluded (S7).
    """
    chosen = set()
    for computer in sight.enrolled():
        if spec.query is not None and selects(
            spec.query, computer, sight, members_of, protected_of
        ):
            chosen.add(computer.name)
        if computer.name in spec.computers or f"{SITE}/{computer.name}" in spec.computers:
            chosen.add(computer.name)
    for other in spec.include:
        chosen = chosen | members_of(other)
    if spec.limit_to is not None:
        chosen = chosen & members_of(spec.limit_to)
    for other in spec.exclude:
        chosen = chosen - protected_of(other)
    return chosen


def selects(
    query: object, computer: Computer, sight: Sight, members_of: MembersOf, protected_of: MembersOf
) -> bool:
    """Tell whether a query selects one computer; what `not` keeps out is protected (S5, S7)."""
    both = (members_of, protected_of)
    match query:
        case AllLeaf():
            return True
        case AllOf():
            return all(selects(part, computer, sight, *both) for part in query.all_of)
        case AnyOf():
            return any(selects(part, computer, sight, *both) for part in query.any_of)
        case Not():
            return not selects(query.not_, computer, sight, protected_of, members_of)
        case CollectionLeaf():
            return computer.name in members_of(query.collection)
        case LastScanLeaf():
            scanned = computer.last_scan_at
            return scanned is None or sight.now - scanned > query.last_scan.older_than
        case ShardLeaf():
            return shard(computer.id, query.shard.of) in query.shard.in_
        case UpdateLeaf():
            return state_in_last_scan(sight, computer, query.update) is query.state
        case FactLeaf():
            return fact_holds(query, computer)
    raise AssertionError(query)


def shard(identity: str, of: int) -> int:
    """Cut 64 bits of a digest of the computer's id into equal parts (S5)."""
    digest = hashlib.sha256(f"patchwright.dev/shard/v1\n{identity}".encode()).digest()
    return int.from_bytes(digest[:8], "big") * of // 2**64


def state_in_last_scan(sight: Sight, computer: Computer, update: str) -> UpdateState:
    """Give what the last scan said, also of a former revision (S5).

    Of what it did not name it knew nothing, if that entered the catalog later.
    """
    if update in computer.states:
        return computer.states[update]
    entry = sight.entries.get(update)
    if entry is None or computer.last_scan_at is None or computer.scan_version < entry.since:
        return UpdateState.UNKNOWN
    return UpdateState.NOT_APPLICABLE


def fact_holds(leaf: FactLeaf, computer: Computer) -> bool:
    """Compare one fact; what a computer lacks is true for the two negations only (S5)."""
    if leaf.fact not in computer.facts:
        return leaf.op in {"NotIn", "NotExists"}
    fact = computer.facts[leaf.fact]
    if leaf.op in {"Exists", "NotExists"}:
        return leaf.op == "Exists"
    elements = fact if isinstance(fact, (list, tuple)) else [fact]
    if leaf.op == "NotIn":
        return not any(_same(one, value) for one in elements for value in leaf.values)
    family = str(computer.facts.get("os.family", ""))
    return any(_fits(leaf.op, one, value, family) for one in elements for value in leaf.values)


def _fits(op: str, fact: object, value: object, family: str) -> bool:
    if op == "In":
        return _same(fact, value)
    if op == "Matches":
        return isinstance(fact, str) and re2.fullmatch(str(value), fact) is not None
    if op.startswith("Version"):
        order = _version_order(fact, str(value), family)
        return order is not None and _ORDERS[op.removeprefix("Version")](order)
    if _kind(fact) != "number" or not isinstance(fact, (int, float)):
        return False
    assert isinstance(value, (int, float))
    return _ORDERS[op]((fact > value) - (fact < value))


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else "text"


def _same(fact: object, value: object) -> bool:
    return _kind(fact) == _kind(value) and fact == value


def _version_order(fact: object, bound: str, family: str) -> int | None:
    """Compare as the computer's package manager does; nothing where it cannot (S5)."""
    if not isinstance(fact, str):
        return None
    if family in {"rhel", "suse"}:
        return compare_rpm(fact, bound) if _is_rpm(fact) and _is_rpm(bound) else None
    return compare_dpkg(fact, bound) if _is_dpkg(fact) and _is_dpkg(bound) else None


def _is_dpkg(version: str) -> bool:
    return re.fullmatch(r"([0-9]+:)?[0-9][0-9A-Za-z.+:~_-]*", version, re.ASCII) is not None


def _is_rpm(version: str) -> bool:
    return re.fullmatch(r"([0-9]+:)?[^:-]+(-.*)?", version, re.ASCII) is not None


def facts_used(query: object) -> Iterator[str]:
    """Name the facts that a query looks at, for `FactMissing` (S5)."""
    match query:
        case FactLeaf():
            yield query.fact
        case AllOf():
            for part in query.all_of:
                yield from facts_used(part)
        case AnyOf():
            for part in query.any_of:
                yield from facts_used(part)
        case Not():
            yield from facts_used(query.not_)


def referred(spec: CollectionSpec) -> set[str]:
    """Name the collections that a collection refers to itself."""
    found = {*spec.include, *spec.exclude, *_leaves(spec.query)}
    return found | ({spec.limit_to} if spec.limit_to is not None else set())


def _leaves(query: object) -> set[str]:
    match query:
        case CollectionLeaf():
            return {query.collection}
        case AllOf():
            return {name for part in query.all_of for name in _leaves(part)}
        case AnyOf():
            return {name for part in query.any_of for name in _leaves(part)}
        case Not():
            return _leaves(query.not_)
    return set()
