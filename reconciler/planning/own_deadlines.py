"""Each computer's own deadline for a release in a phase (S17)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from pyroaring import BitMap, FrozenBitMap

from reconciler.kinds.phase import Phase
from reconciler.model.times import later
from reconciler.observed.columns import micros
from reconciler.observed.memo import Bits, Memo
from reconciler.observed.memory import Membership
from reconciler.observed.part import AnyFleet
from reconciler.planning.windows import resolve_wall_time

_FARTHEST_EAST = timedelta(hours=14)
_NOTED_EVERY = timedelta(hours=1)

Zoned = Callable[[Bits], Iterable[tuple[tzinfo, Bits]]]
"""Splits computers by their time zone."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What deadlines follow from; a `local` one is read as a wall time of each computer."""

    due_at: datetime
    local: bool
    opened_at: datetime
    grace: timedelta

    def due_in(self, zone: tzinfo) -> datetime:
        """Give the deadline of who was there when the phase opened."""
        due_at = self.due_at
        if self.local:
            due_at = resolve_wall_time(due_at.date(), due_at.time(), zone)
        return later(due_at, self.opened_at + self.grace)

    @property
    def watched_from(self) -> datetime:
        """The first instant at which a first contact can move somebody's deadline."""
        earliest = self.due_at - _FARTHEST_EAST if self.local else self.due_at
        return later(earliest, self.opened_at + self.grace) - self.grace


def terms_of(phase: Phase, time_basis: str, opened_at: datetime) -> Terms | None:
    """Give a phase's terms; nothing where it has no deadline. Durations run from its opening."""
    due = phase.deadline
    if due is None:
        return None
    if isinstance(due, timedelta):
        return Terms(opened_at + due, local=False, opened_at=opened_at, grace=phase.grace)
    return Terms(due, local=time_basis == "local", opened_at=opened_at, grace=phase.grace)


def own_deadline(
    terms: Terms, membership: Membership, ordinal: int, zone: tzinfo, now: datetime
) -> datetime:
    """Give one computer's deadline, now that it is in contact.

    The latest of the phase's own, opening + grace and joining + grace, where joining is the
    first contact after it came; never later than one that it had before. Who was in contact
    before that could move its deadline joined when it came, as far as is remembered.
    """
    is_awaited = membership.awaited is not None and ordinal in membership.awaited
    joined_at = now if is_awaited else membership.joined.moment_of(ordinal)
    joined_at = joined_at or membership.entered.moment_of(ordinal)
    due_at = terms.due_in(zone)
    if joined_at is not None:
        due_at = later(due_at, joined_at + terms.grace)
    cap = membership.capped.moment_of(ordinal)
    return due_at if cap is None else min(due_at, cap)


def own_deadlines(
    terms: Terms, membership: Membership, who: Bits, zoned: Zoned, now: datetime
) -> Iterator[tuple[datetime, BitMap]]:
    """Split computers by their deadlines, as `own_deadline` gives them."""
    for due_at, some in _uncapped(terms, membership, who, zoned, now):
        rest = some
        for cap, capped in membership.capped.parts:
            if cap < due_at:
                yield cap, rest & capped
                rest = rest - capped
        yield due_at, rest


def watch_contacts(
    terms: Terms | None, membership: Membership, old: Membership | None, memo: Memo
) -> Membership:
    """Note the first contacts that this plan is the first to see, and who is still awaited.

    Contacts before `watched_from` move no deadline: it is enough to note now and then who has
    made one. After an outage of the site that tells who has not. The instant that is kept is the
    plan's, so that a deadline is never earlier than it should be.
    """
    members, now = membership.members, memo.now
    joined = membership.joined.within(members)
    kept = membership if joined is membership.joined else replace(membership, joined=joined)
    if kept.awaited is not None and old is not None and old.members is not members:
        awaited = kept.awaited & members | members - old.members
        kept = replace(kept, awaited=FrozenBitMap(awaited))
    if terms is None or not (old is None or _is_time_to_look(terms, kept, now)):
        return kept
    expected = members if kept.awaited is None else kept.awaited
    seen = _in_contact(terms, kept, expected, memo)
    if kept.awaited is not None and not seen:
        return kept
    kept = replace(kept, awaited=FrozenBitMap(expected - seen))
    if now < terms.watched_from:
        return replace(kept, noted_at=now)
    arrived = seen & memo.fleet.last_contact_at.at_least(micros(terms.watched_from))
    return replace(kept, joined=kept.joined.at(now, arrived))


def cap_movers(
    membership: Membership,
    came: Bits,
    former: Iterable[tuple[Terms, Membership]],
    zoned: Zoned,
    now: datetime,
) -> Membership:
    """Keep the deadlines of those who come from another phase of the release from rising."""
    capped = membership.capped.within(membership.members)
    for terms, left in former if came else ():
        for due_at, who in own_deadlines(terms, left, came & left.members, zoned, now):
            capped = capped.at(due_at, who)
    return membership if capped is membership.capped else replace(membership, capped=capped)


def keep_passed(terms: Terms, membership: Membership, zoned: Zoned, now: datetime) -> Membership:
    """Keep local deadlines that have passed, whichever zone a computer goes to."""
    if not terms.local:
        return membership
    capped = membership.capped
    for due_at, who in own_deadlines(terms, membership, membership.members, zoned, now):
        if due_at <= now:
            known = capped.where(lambda moment, due_at=due_at: moment == due_at)  # type: ignore[misc]
            capped = capped.at(due_at, who - known)
    return replace(membership, capped=capped)


def last_due(terms: Terms, who: Bits, zoned: Zoned) -> datetime:
    """Give the last deadline among those who were there when the phase opened."""
    if not terms.local:
        return later(terms.due_at, terms.opened_at + terms.grace)
    return max((terms.due_in(zone) for zone, _ in zoned(who)), default=terms.due_at)


def _uncapped(
    terms: Terms, membership: Membership, who: Bits, zoned: Zoned, now: datetime
) -> Iterator[tuple[datetime, BitMap]]:
    awaited = membership.awaited or FrozenBitMap()
    joined = [*membership.joined.parts, (now, awaited), *membership.entered.parts]
    for zone, part in zoned(who):
        due_at, rest = terms.due_in(zone), BitMap(part)
        for joined_at, some in joined:
            yield later(due_at, joined_at + terms.grace), rest & some
            rest -= some
        yield due_at, rest


def _is_time_to_look(terms: Terms, membership: Membership, now: datetime) -> bool:
    """Tell whether somebody is awaited, and contacts matter by now or were not noted lately."""
    if membership.awaited is not None and not membership.awaited:
        return False
    noted_at = membership.noted_at or terms.opened_at
    return now >= terms.watched_from or now >= noted_at + _NOTED_EVERY


def _in_contact(
    terms: Terms, membership: Membership, expected: FrozenBitMap, memo: Memo
) -> FrozenBitMap:
    """Give who of these was heard of since the opening, or since entering where that was later."""
    late = membership.entered

    def heard(fleet: AnyFleet) -> dict[str, Bits]:
        contacts, some = fleet.last_contact_at, fleet.cut(expected)
        found = contacts.at_least(micros(terms.opened_at)) & (some - late.everybody)
        for entered_at, who in late.parts:
            found |= contacts.at_least(micros(entered_at)) & some & who
        return {"heard": found}

    key = ("heard", membership.rollout, membership.release, membership.phase)
    return memo.sets(key, (terms.opened_at, late), heard, expected, within=True)["heard"]
