"""Giving and ending permits in the store (S19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyroaring import BitMap

from reconciler.desired.expansion import EMERGENCY, kind_and_name
from reconciler.model.computers import Computer, RunOutcome
from reconciler.model.objects import Advertisement
from reconciler.model.permits import Permit, PermitReply, Waiting
from reconciler.observed.columns import instant
from reconciler.observed.memory import Memory
from reconciler.observed.state import ObservedState
from reconciler.planning.guidance import Guidance
from reconciler.planning.permits import Settlement, is_silent, may_start
from reconciler.store import Store, Work

_POLLS_KEPT = 2
_FAILURES = frozenset({RunOutcome.FAILED, RunOutcome.TIMED_OUT})
_PRIORITY_RANK: Mapping[str, int] = {"high": 1, "medium": 2, "low": 3}
_NOT_GRANTED = PermitReply(granted=False)


@dataclass(frozen=True, slots=True)
class PermitDesk:
    """Answers computers that ask; the whole decision is one transaction."""

    poll_every: timedelta

    def ask(self, work: Work, computer_id: str, advertisement: str, now: datetime) -> PermitReply:
        """Grant a permit if every budget has room for it, else remember who waits."""
        computer = work.computers.find(computer_id)
        memory = work.records.load_memory()
        offer = memory.advertisements.get((advertisement,))
        guidance = work.documents.load_guidance()
        if computer is None or offer is None or offer.held or guidance is None:
            return _NOT_GRANTED
        held = work.permits.all()
        known = next((one for one in held if _is_for(one, computer_id, advertisement)), None)
        if known is not None and not known.failed:
            return PermitReply(granted=True, expires_at=known.expires_at)
        asking = _waiting(memory, computer, offer, now)
        waiting = work.permits.waiting(now - _POLLS_KEPT * self.poll_every)
        others = [one for one in held if one is not known]
        if known is not None or not may_start(asking, waiting, others, guidance.budgets):
            work.permits.wait(asking)
            return _NOT_GRANTED
        lifetime = _lifetime(memory, offer)
        permit = _permit(asking, now, now + lifetime)
        work.permits.grant(permit)
        return PermitReply(granted=True, expires_at=permit.expires_at)


def settle_permits(store: Store, observed: ObservedState, guidance: Guidance, now: datetime) -> int:
    """End permits whose time is over, and count starts by users as disruptions (S19).

    Gives how many permits changed. Only computers that hold one are looked at.
    """
    unasked = _unasked(observed, guidance, now)
    if not observed.permits and not unasked:
        return 0
    changed = 0
    with store.write() as work:
        held = {(one.computer, one.advertisement): one for one in work.permits.all()}
        for permit in unasked:
            if (permit.computer, permit.advertisement) not in held:
                work.permits.grant(permit)
                changed += 1
        holders = {one.computer for one in held.values()}
        found = {name: work.computers.find(name) for name in sorted(holders)}
        computers = {name: one for name, one in found.items() if one is not None}
        settlement = Settlement(computers, observed.memory, observed.catalog, now, guidance.waivers)
        for permit in held.values():
            settled = settlement.settle(permit)
            if settled is None:
                work.permits.end(permit)
            elif settled != permit:
                work.permits.grant(settled)
            changed += settled != permit
    return changed


def _unasked(observed: ObservedState, guidance: Guidance, now: datetime) -> list[Permit]:
    """Give permits for runs under way that nobody asked for, where a budget counts them.

    Of a silent computer nobody knows whether its run is under way: what was released by name
    does not come back before it is in contact.
    """
    made: list[Permit] = []
    for offer in observed.memory.advertisements.values() if guidance.budgets else ():
        column = observed.fleet.runs.get(_run_key(observed.memory, offer))
        key = (offer.rollout, offer.release, offer.phase)
        membership = observed.memory.memberships.get(key)
        if column is None or membership is None:
            continue
        binding = (one.members for one in guidance.budgets if one.phase in (None, key))
        counted = BitMap.union(BitMap(), *binding) & membership.members
        held = BitMap(one.ordinal for one in observed.permits if one.advertisement == offer.id)
        unasked = (column.under_way() & counted) - held
        found = (_by_user(observed, offer, ordinal) for ordinal in unasked)
        made += [permit for permit in found if not _is_silent(observed, permit, now)]
    return made


def _is_silent(observed: ObservedState, permit: Permit, now: datetime) -> bool:
    heard = observed.fleet.last_contact_at[permit.ordinal]
    return is_silent(permit, instant(heard) if heard > 0 else None, now)


def _by_user(observed: ObservedState, offer: Advertisement, ordinal: int) -> Permit:
    column = observed.fleet.runs[_run_key(observed.memory, offer)]
    began_at = instant(column.began_at[ordinal])
    return Permit(
        computer=observed.fleet.ids[ordinal],
        ordinal=ordinal,
        name=observed.fleet.names[ordinal],
        advertisement=offer.id,
        rollout=offer.rollout,
        release=offer.release,
        phase=offer.phase,
        granted_at=began_at,
        expires_at=began_at + _lifetime(observed.memory, offer),
        began=True,
        by_user=True,
    )


def _run_key(memory: Memory, offer: Advertisement) -> str:
    return memory.run_key(offer.rollout, offer.release)


def _lifetime(memory: Memory, offer: Advertisement) -> timedelta:
    """A permit lives for the program's longest run and the restart's grace (S19)."""
    program = memory.programs[offer.package, offer.version, offer.program]
    return program.max_runtime + offer.order.restart.grace


def _waiting(memory: Memory, computer: Computer, offer: Advertisement, now: datetime) -> Waiting:
    package = memory.packages[offer.package, offer.version]
    run = computer.runs.get(_run_key(memory, offer))
    is_urgent = kind_and_name(offer.rollout)[0] == EMERGENCY
    return Waiting(
        computer=computer.id,
        ordinal=computer.ordinal,
        name=computer.name,
        advertisement=offer.id,
        rollout=offer.rollout,
        release=offer.release,
        phase=offer.phase,
        rank=0 if is_urgent else _PRIORITY_RANK[package.priority],
        failed_before=run is not None and run.outcome in _FAILURES,
        deadline=offer.mandatory_at,
        asked_at=now,
    )


def _permit(asking: Waiting, now: datetime, expires_at: datetime) -> Permit:
    return Permit(
        computer=asking.computer,
        ordinal=asking.ordinal,
        name=asking.name,
        advertisement=asking.advertisement,
        rollout=asking.rollout,
        release=asking.release,
        phase=asking.phase,
        granted_at=now,
        expires_at=expires_at,
    )


def _is_for(permit: Permit, computer: str, advertisement: str) -> bool:
    return (permit.computer, permit.advertisement) == (computer, advertisement)
