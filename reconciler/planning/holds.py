"""Large changes of membership wait for a commit (S7)."""

from __future__ import annotations

from dataclasses import dataclass

from pyroaring import FrozenBitMap

from reconciler.desired.naming import collection_names, fact_names
from reconciler.desired.state import DesiredState
from reconciler.kinds.base import Document
from reconciler.model.canonical import digest_of
from reconciler.observed.columns import micros
from reconciler.observed.memo import Memo
from reconciler.observed.rolls import CollectionRoll
from reconciler.observed.state import ObservedState

_FEW = 10


@dataclass(frozen=True, slots=True)
class Change:
    """What a membership would change by, counted without computers that are new or retired."""

    joined: int
    left: int
    size: int

    @property
    def total(self) -> int:
        """How many would join or leave."""
        return self.joined + self.left


@dataclass(frozen=True, slots=True)
class Verdict:
    """The roll from now on, and the change that waits."""

    roll: CollectionRoll
    held: Change | None = None


class Holds:
    """Judges the membership of every collection against what is remembered of it.

    On a stale read of git a commit's change is measured as any other (S29).
    """

    def __init__(self, desired: DesiredState, observed: ObservedState, memo: Memo) -> None:
        self._desired = desired
        self._fleet = observed.fleet
        self._rolls = observed.memory.rolls
        self._fresh = observed.fresh
        self._now = memo.now
        self._memo = memo
        self._digests: dict[str, str] = {}

    def judge(self, name: str, members: FrozenBitMap) -> Verdict:
        """Take the members that a collection selects, or keep those in force (S7).

        A first evaluation, and one after a commit that touched the collection or what it refers
        to, are taken whole.
        """
        known = self._rolls.get((name,))
        digest = self._digest(name)
        if known is None or (self._fresh and known.digest != digest):
            return Verdict(CollectionRoll(name, digest, self._now, members))
        same = ("same roll", name)
        if known.held_since is None and self._memo.are_equal(same, known.members, members):
            return Verdict(known)
        in_force = FrozenBitMap(known.members & self._fleet.enrolled)
        change = self._measure(known, members)
        share = self._desired.collections[name].document.spec.max_change
        too_large = share < 1 and change.total > _FEW and change.total > share * change.size
        if members == in_force or not too_large:
            return Verdict(known.renew(members, self._now, None))
        since = known.held_since or self._now
        return Verdict(known.renew(in_force, self._now, since), change)

    def _measure(self, roll: CollectionRoll, members: FrozenBitMap) -> Change:
        base_at = roll.base_at(self._now)
        base = roll.members_at(base_at)
        joined = (members - base) - self._fleet.enrolled_at.above(micros(base_at))
        left = (base - members) & self._fleet.enrolled
        return Change(len(joined), len(left), len(base))

    def _digest(self, name: str) -> str:
        """Give the digest of a collection's document and of all that it refers to."""
        if name not in self._digests:
            self._digests[name] = self._memo.value(
                ("digest", name), (), lambda: self._make_digest(name)
            )
        return self._digests[name]

    def _make_digest(self, name: str) -> str:
        document = self._desired.collections[name].document
        facts = self._desired.custom_facts
        parts = [
            _content(document),
            [self._digest(one) for one in sorted(set(collection_names(document.spec)))],
            [
                _content(facts[one].document)
                for one in sorted(facts)
                if facts[one].document.spec.name in fact_names(document.spec)
            ],
        ]
        return digest_of(parts)


def _content(document: Document) -> str:
    return document.model_dump_json(by_alias=True)
