"""What one computer is told, from what the plan decided for all (J1, S16, S17, S18)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from pyroaring import FrozenBitMap

from reconciler.desired.expansion import EMERGENCY, kind_and_name
from reconciler.kinds.timezones import zone_or_utc
from reconciler.model.computers import Computer
from reconciler.model.custom import ABILITIES_FACT
from reconciler.model.ids import spread_offset
from reconciler.model.objects import Advertisement, ContentAssignment, ContentState
from reconciler.model.orders import RunOrder, UserRights
from reconciler.model.policy import InventoryOrder, Offer, OfferedUpdate, Policy, ScanOrder, Windows
from reconciler.model.times import later
from reconciler.model.updates import NO_RELEASE, pins_of
from reconciler.observed.catalog import Catalog
from reconciler.observed.memory import Membership, Memory
from reconciler.planning.composition import composed
from reconciler.planning.custom import is_able
from reconciler.planning.guidance import Guidance, ScanClass, WindowClass
from reconciler.planning.halts import keeps_back
from reconciler.planning.own_deadlines import Terms, own_deadline
from reconciler.planning.verdicts import needed_updates

FAMILY_FACT = "os.family"


@dataclass(frozen=True, slots=True)
class PolicySource:
    """All that policies are made from, the same for every computer of one policy version.

    `slices` gives the SHA-256 of the catalog slice of each operating-system release.
    """

    site: str
    version: int
    memory: Memory
    catalog: Catalog
    guidance: Guidance
    slices: Mapping[str, str]
    lifetime: timedelta
    poll_every: timedelta


def make_policy(source: PolicySource, computer: Computer, now: datetime) -> Policy:
    """Assemble one computer's policy; the server signs it."""
    scan = _scan_class(source.guidance, computer.ordinal)
    windows = _window_class(source.guidance, computer.ordinal, now)
    zone = zone_or_utc(windows.zone)
    offers = tuple(_offers(source, computer, zone, now)) if may_be_offered(computer) else ()
    return Policy(
        computer=computer.id,
        site=source.site,
        version=source.version,
        issued_at=now,
        expires_at=now + source.lifetime,
        enforce=source.guidance.enforce and not computer.quarantine,
        poll_every=source.poll_every,
        report_every=scan.report_every if scan else source.poll_every,
        scan=_scan_order(source, computer, scan),
        windows=windows.windows,
        offers=composed(offers, computer.facts.get(FAMILY_FACT)),
        emergency_windows=windows.emergency,
        probes=tuple(
            one.probe for one in source.guidance.probes if computer.ordinal in one.members
        ),
    )


def may_be_offered(computer: Computer) -> bool:
    """Tell whether anything is offered: not to who left, nor to two machines with one name (L3)."""
    return not (computer.retired or computer.quarantine)


def _offers(
    source: PolicySource, computer: Computer, zone: tzinfo, now: datetime
) -> Iterator[Offer]:
    """Give the advertisements that target the computer and have something for it.

    Without its content on a distribution point an advertisement is not offered at all (S18).
    """
    memory = source.memory
    hidden = hidden_updates(source.memory, computer.ordinal)
    for (identity,) in sorted(memory.advertisements):
        offer = memory.advertisements[identity,]
        membership = memory.memberships.get((offer.rollout, offer.release, offer.phase))
        content = ready_content(memory, offer)
        if membership is None or computer.ordinal not in membership.members or content is None:
            continue
        mandatory_at = _mandatory_at(offer, membership, computer.ordinal, zone, now)
        updates = tuple(
            update
            for update in _updates(source, offer, membership, computer, mandatory_at)
            if is_urgent(offer) or update.id not in hidden
        )
        if updates:
            program = memory.programs[offer.package, offer.version, offer.program]
            yield Offer(
                advertisement=offer.id,
                rollout=memory.name_for_agents(offer.rollout, offer.release),
                release=offer.release,
                phase=offer.phase,
                program=offer.program,
                package=offer.package,
                version=offer.version,
                available_at=offer.available_at,
                mandatory_at=mandatory_at,
                recurrence=offer.recurrence,
                held=offer.held or program.disabled,
                max_runtime=program.max_runtime,
                updates=updates,
                manifest=content.manifest,
                released_at=offer.released_at,
                rerun_at=offer.rerun_at,
                order=_order(offer, computer),
                needs_permit=_needs_permit(source.guidance, offer, computer.ordinal),
            )


def is_urgent(offer: Advertisement) -> bool:
    """Tell whether an emergency made the offer."""
    return kind_and_name(offer.rollout)[0] == EMERGENCY


def hidden_updates(memory: Memory, ordinal: int) -> frozenset[str]:
    """Give the updates that emergencies offer a computer: they hide other offers of them (S21)."""
    return frozenset(
        update
        for offer in memory.advertisements.values()
        if is_urgent(offer) and _is_targeted(memory, offer, ordinal)
        for update in offer.updates
    )


def _is_targeted(memory: Memory, offer: Advertisement, ordinal: int) -> bool:
    membership = memory.memberships.get((offer.rollout, offer.release, offer.phase))
    return membership is not None and ordinal in membership.members


def _needs_permit(guidance: Guidance, offer: Advertisement, ordinal: int) -> bool:
    """Tell whether some budget binds the computer's start (S19)."""
    phase = (offer.rollout, offer.release, offer.phase)
    return any(domain.binds(ordinal, phase) for domain in guidance.budgets)


def _order(offer: Advertisement, computer: Computer) -> RunOrder:
    """Take the user's rights away at a server, where nobody sits who may be asked (S17)."""
    if not computer.is_server:
        return offer.order
    return replace(offer.order, user=UserRights(available=False, postpone=False))


def _mandatory_at(
    offer: Advertisement, membership: Membership, ordinal: int, zone: tzinfo, now: datetime
) -> datetime | None:
    if offer.mandatory_at is None:
        return None
    terms = Terms(offer.mandatory_at, offer.mandatory_local, offer.available_at, offer.grace)
    return own_deadline(terms, membership, ordinal, zone, now)


def _updates(
    source: PolicySource,
    offer: Advertisement,
    membership: Membership,
    computer: Computer,
    mandatory_at: datetime | None,
) -> Iterator[OfferedUpdate]:
    """Give what the computer needs of the offer, and neither a waiver nor a halt keeps from it."""
    ordinal, waivers = computer.ordinal, source.guidance.waivers
    waived = {one for one in offer.updates if one in waivers and ordinal in waivers[one].waived}
    entries = source.catalog.entries
    listed = frozenset(offer.updates) & entries.keys() - _unfit(source, membership, computer)
    needed = needed_updates(
        source.catalog,
        computer.states,
        listed,
        offer.aim,
        waived=frozenset(waived),
    )
    blocked = blocked_updates(source.memory, membership, ordinal)
    for update in needed:
        if update not in blocked:
            found = entries[update].update
            packages, modules = pins_of(found.packages)
            since = waivers[update].ended.moment_of(ordinal) if update in waivers else None
            not_before = _rejoins_at(offer, membership, ordinal, since, mandatory_at)
            step = found.custom.step(offer.aim) if found.custom is not None else None
            yield OfferedUpdate(update, packages, modules, not_before, step=step)


def _unfit(source: PolicySource, membership: Membership, computer: Computer) -> frozenset[str]:
    """Give the updates of one's own that are not to be run here (E2).

    All where the agent cannot run them; and those that git has changed since the release was cut,
    as nobody has tried that command: the next release holds them.
    """
    release = source.memory.releases.get((membership.rollout, membership.release))
    held = release.offered() if release is not None else ()
    able = is_able(computer.facts.get(ABILITIES_FACT))
    own = [(one, source.catalog.entries.get(one.id)) for one in held]
    return frozenset(
        one.id
        for one, entry in own
        if entry is not None
        and entry.update.custom is not None
        and not (able and entry.revision == one.revision)
    )


def _rejoins_at(
    offer: Advertisement,
    membership: Membership,
    ordinal: int,
    waived_until: datetime | None,
    mandatory_at: datetime | None,
) -> datetime | None:
    """Give the own deadline of an update whose waiver ended while it was offered here (S11)."""
    came_at = membership.entered.moment_of(ordinal) or offer.available_at
    if waived_until is None or waived_until <= came_at:
        return None
    return later(waived_until + offer.grace, mandatory_at)


def blocked_updates(memory: Memory, membership: Membership, ordinal: int) -> frozenset[str]:
    """Give what a halt keeps from a computer that came after it."""
    entered_at = membership.entered.moment_of(ordinal)
    if entered_at is None:
        return frozenset()
    return frozenset(
        update
        for record in memory.phases.values()
        if keeps_back(record, membership.rollout, membership.release)
        and record.halted_at is not None
        and record.halted_at <= entered_at
        for update in record.blocked
    )


def ready_content(memory: Memory, offer: Advertisement) -> ContentAssignment | None:
    """Give a confirmed copy of what an advertisement installs; nothing where there is none."""
    return next(
        (
            assignment
            for key, assignment in sorted(memory.assignments.items())
            if key[:2] == (offer.package, offer.version) and assignment.state is ContentState.DONE
        ),
        None,
    )


def _scan_order(source: PolicySource, computer: Computer, scan: ScanClass | None) -> ScanOrder:
    """Ask for a scan after every opening of a phase that targets the computer (S14).

    It is asked for within the phase's spread, by the computer's own share of it. An emergency's
    expedited scan asks for one too (D4, step 5), unless it is held.
    """
    memory = source.memory
    asked = {
        (
            offer.available_at,
            offer.available_at
            + spread_offset(
                memory.name_for_agents(offer.rollout, offer.release),
                offer.phase,
                computer.id,
                offer.order.spread,
            ),
        )
        for offer in memory.advertisements.values()
        if (offer.updates or not offer.held) and _is_targeted(memory, offer, computer.ordinal)
    }
    every = scan.every if scan else source.lifetime
    guidance = source.guidance
    custom = tuple(one.order for one in guidance.detections if computer.ordinal in one.members)
    return ScanOrder(
        every=every,
        first_within=scan.first_within if scan else every,
        asked=tuple(sorted(asked)),
        catalog=_slice_of(source, computer),
        content_version=source.catalog.version,
        custom=custom,
        inventory=scan.inventory if scan else InventoryOrder(),
    )


def _slice_of(source: PolicySource, computer: Computer) -> str | None:
    """Give the slice of the computer's release, or the empty one where the catalog has none.

    Who does not say what release it has must not look as if nothing applied to it.
    """
    if not computer.release:
        return None
    return source.slices.get(computer.release) or source.slices.get(NO_RELEASE)


def _scan_class(guidance: Guidance, ordinal: int) -> ScanClass | None:
    return next((one for one in guidance.scans if ordinal in one.members), None)


def _window_class(guidance: Guidance, ordinal: int, now: datetime) -> WindowClass:
    """Give the computer's windows; one that no class has yet starts nothing (S4)."""
    found = next((one for one in guidance.windows if ordinal in one.members), None)
    return found or WindowClass(FrozenBitMap(), Windows(always=False, updates=(), until=now))
