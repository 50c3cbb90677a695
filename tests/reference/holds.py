"""Which members are in force, where a collection would change too much (S7)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

from reconciler.kinds.collection import CollectionSpec
from tests.reference.collections import declared_members, referred
from tests.reference.sight import Sight

DAY = timedelta(days=1)
SMALL = 10
"""A change of so many computers is never too much."""


@dataclass
class Roll:
    """What was in force of a collection, plan by plan, and when it was last revised.

    `spec` is the document and all that it refers to, as it was then.
    """

    spec: tuple[tuple[str, CollectionSpec], ...]
    revised_at: datetime
    history: list[tuple[datetime, frozenset[str]]] = field(default_factory=list)

    def in_force(self) -> set[str]:
        """Give the members of the last plan."""
        return set(self.history[-1][1])

    def former(self, now: datetime) -> tuple[datetime, frozenset[str]]:
        """Give the members 24 hours ago or at the last revision, and since when (S7)."""
        since = max(now - DAY, self.revised_at)
        before = [one for one in self.history if one[0] <= since]
        return since, (before or self.history[:1])[-1][1]


@dataclass
class Rolls:
    """All collections, as they are in force and as they are for protection."""

    rolls: dict[str, Roll] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)

    def evaluate(self, sight: Sight) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
        """Give the members in force of each collection, and those that it protects (S7)."""
        in_force: dict[str, set[str]] = {}
        most: dict[str, set[str]] = {}
        self.held = set()

        def members_of(name: str) -> set[str]:
            if name not in in_force:
                spec = sight.desired.collections[name].document.spec
                wanted = declared_members(sight, spec, members_of, protected_of)
                in_force[name] = self._decide(sight, name, wanted)
            return in_force[name]

        def protected_of(name: str) -> set[str]:
            if name not in most:
                spec = sight.desired.collections[name].document.spec
                found = declared_members(sight, spec, protected_of, least_of)
                most[name] = members_of(name) | found
            return most[name]

        def least_of(name: str) -> set[str]:
            spec = sight.desired.collections[name].document.spec
            return members_of(name) & declared_members(sight, spec, least_of, protected_of)

        names = list(sight.desired.collections)
        both = ({one: members_of(one) for one in names}, {one: protected_of(one) for one in names})
        self.rolls = {name: self.rolls[name] for name in names}
        return both

    def _decide(self, sight: Sight, name: str, wanted: set[str]) -> set[str]:
        """Take a change, or keep the members in force that are still enrolled (S7).

        Who selects those in force holds nothing back, whatever it was a day ago.
        """
        now, spec = sight.now, _whole_spec(sight, name)
        roll = self.rolls.get(name)
        if roll is None or roll.spec != spec:
            roll = self.rolls[name] = Roll(spec, now)
            chosen = wanted
        else:
            chosen = roll.in_force() & {one.name for one in sight.enrolled()}
            if wanted != chosen and self._is_too_much(sight, name, roll, wanted):
                self.held.add(name)
            else:
                chosen = wanted
        if not roll.history or roll.in_force() != chosen:
            roll.history.append((now, frozenset(chosen)))
        return chosen

    def _is_too_much(self, sight: Sight, name: str, roll: Roll, wanted: set[str]) -> bool:
        since, former = roll.former(sight.now)
        limit = sight.desired.collections[name].document.spec.max_change
        joined = {one for one in wanted - former if sight.computers[one].enrolled_at <= since}
        left = {one for one in former - wanted if not sight.computers[one].retired}
        change = len(joined) + len(left)
        if limit == 1 or change <= SMALL:
            return False
        return Fraction(change) > limit * len(former)


def _whole_spec(sight: Sight, name: str) -> tuple[tuple[str, CollectionSpec], ...]:
    """Give a collection's document with all that it refers to."""
    names = sorted({name, *_reachable(sight, name)})
    return tuple((one, sight.desired.collections[one].document.spec) for one in names)


def _reachable(sight: Sight, name: str) -> set[str]:
    found: set[str] = set()
    waiting = {name}
    while waiting:
        further = referred(sight.desired.collections[waiting.pop()].document.spec) - found
        found |= further
        waiting |= further
    return found
