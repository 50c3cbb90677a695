"""Who may start, of those that only wait for a permit; and when a permit ends (S19)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from reconciler.model.computers import Computer, Run, RunOutcome
from reconciler.model.objects import Advertisement
from reconciler.model.permits import Permit, Waiting
from reconciler.model.times import UTC
from reconciler.model.updates import UpdateState
from reconciler.observed.catalog import Catalog
from reconciler.observed.memory import Memory
from reconciler.planning.guidance import BudgetDomain, WaivedUpdate
from reconciler.planning.verdicts import needed_updates

_FAILURES = frozenset({RunOutcome.FAILED, RunOutcome.TIMED_OUT})
_LONGEST_PENALTY = timedelta(days=1)
_NO_DEADLINE = datetime.max.replace(tzinfo=UTC)
_SUPPRESS = "suppress"


def may_start(
    asking: Waiting,
    waiting: Iterable[Waiting],
    permits: Iterable[Permit],
    domains: Sequence[BudgetDomain],
) -> bool:
    """Tell whether a permit is free for who asks, once all that go before it have theirs (S19).

    Emergencies go first, then priority, those that have not failed, the deadline, the name.
    """
    disrupted = {permit.ordinal for permit in permits}
    others = (one for one in waiting if not _is_same(one, asking))
    for one in sorted([*others, asking], key=_order):
        fits = all(
            domain.has_room(disrupted - {one.ordinal})
            for domain in domains
            if domain.binds(one.ordinal, (one.rollout, one.release, one.phase))
        )
        if one is asking:
            return fits
        if fits:
            disrupted.add(one.ordinal)
    return False


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a permit's end is judged by."""

    computers: Mapping[str, Computer]
    memory: Memory
    catalog: Catalog
    now: datetime
    waivers: Mapping[str, WaivedUpdate] = field(default_factory=dict)

    def settle(self, permit: Permit) -> Permit | None:
        """Give what has become of a permit, or nothing where it has ended (S19).

        One that has begun a run keeps it, also when silent, until verified, waived or retired; a
        failed one keeps it for the recurrence, a day at most, or until an order to retry; a
        refused run gives it back.
        """
        computer = self.computers.get(permit.computer)
        if computer is None or computer.retired:
            return None
        offer = self.memory.advertisements.get((permit.advertisement,))
        if offer is not None and self._is_waived(computer, offer):
            return None
        # The rollout may have been renamed since the permit was granted.
        rollout = permit.rollout if offer is None else offer.rollout
        run = computer.runs.get(self.memory.run_key(rollout, permit.release))
        if run is None or run.began_at < permit.granted_at:
            return self._not_begun(permit, computer, offer)
        if run.ended_at is None or run.ended_at < run.began_at:
            return replace(permit, began=True)
        if run.outcome in _FAILURES:
            return self._failed(permit, run, offer)
        verified = self._is_verified(computer, run, offer)
        return None if verified else replace(permit, began=True, failed=False)

    def _not_begun(
        self, permit: Permit, computer: Computer, offer: Advertisement | None
    ) -> Permit | None:
        """It lives for its time from the last contact, and no longer than its advertisement."""
        if offer is None or offer.held or computer.refusal:
            return None
        lifetime = permit.expires_at - permit.granted_at
        contact_at = computer.last_contact_at
        renewed = permit.granted_at if contact_at is None else max(contact_at, permit.granted_at)
        return permit if self.now < renewed + lifetime else None

    def _failed(self, permit: Permit, run: Run, offer: Advertisement | None) -> Permit | None:
        penalty = min(offer.recurrence, _LONGEST_PENALTY) if offer else _LONGEST_PENALTY
        ended_at = run.ended_at or run.began_at
        if self.now >= ended_at + penalty or self._is_forgiven(ended_at, offer):
            return None
        return replace(permit, began=True, failed=True)

    def _is_forgiven(self, failed_at: datetime, offer: Advertisement | None) -> bool:
        """Tell whether an order to retry came since the failure: it frees the permit (S15)."""
        if offer is None:
            return False
        record = self.memory.phases.get((offer.rollout, offer.release, offer.phase))
        retried_at = record.retried_at if record is not None else None
        return retried_at is not None and failed_at <= retried_at

    def _is_verified(self, computer: Computer, run: Run, offer: Advertisement | None) -> bool:
        """A scan after the run finds nothing missing, and no restart is due that is not let be."""
        if offer is None:
            return True
        ended_at = run.ended_at or run.began_at
        if computer.last_scan_at is None or computer.last_scan_at <= ended_at:
            return False
        listed = frozenset(offer.updates) & self.catalog.entries.keys()
        needed = needed_updates(
            self.catalog,
            computer.states,
            listed,
            offer.aim,
            waived=self._waived(computer, listed),
        )
        return not needed and not _awaits_restart(computer, listed, offer)

    def _is_waived(self, computer: Computer, offer: Advertisement) -> bool:
        """Tell whether waivers let the computer off all of the offer that applies (S11)."""
        waived = self._waived(computer, offer.updates)
        return bool(waived) and waived.issuperset(computer.states.keys() & set(offer.updates))

    def _waived(self, computer: Computer, updates: Iterable[str]) -> frozenset[str]:
        return frozenset(
            update
            for update in updates
            if update in self.waivers and computer.ordinal in self.waivers[update].waived
        )


def is_silent(permit: Permit, last_contact_at: datetime | None, now: datetime) -> bool:
    """Tell whether nothing was heard of a computer for as long as a permit lives."""
    lifetime = permit.expires_at - permit.granted_at
    heard_at = permit.granted_at if last_contact_at is None else last_contact_at
    return now >= max(heard_at, permit.granted_at) + lifetime


def _awaits_restart(computer: Computer, listed: Collection[str], offer: Advertisement) -> bool:
    rule = offer.order.restart
    asked = rule.servers if computer.is_server else rule.workstations
    if asked == _SUPPRESS:
        return False
    return any(computer.states.get(one) is UpdateState.PENDING_RESTART for one in listed)


def _is_same(one: Waiting, other: Waiting) -> bool:
    return (one.computer, one.advertisement) == (other.computer, other.advertisement)


def _order(one: Waiting) -> tuple[int, bool, datetime, str, str]:
    return (one.rank, one.failed_before, one.deadline or _NO_DEADLINE, one.name, one.advertisement)
