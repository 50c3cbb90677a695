"""Slow judges of a busy site: whether what was done may be done, computer by computer.

They read the manifests' facts and what is truly going on, never the planner's own sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from reconciler.model.aims import UNINSTALL
from reconciler.model.computers import Computer, Run
from reconciler.model.emergencies import EmergencyRecord, EmergencyState
from reconciler.model.objects import Advertisement
from reconciler.model.policy import Offer
from reconciler.model.rollouts import Passage, PhaseRecord, PhaseState, Release
from reconciler.model.updates import UpdateState
from reconciler.observed.memory import Membership
from reconciler.planning.actions import DROPS, Action, Verb
from tests.property.busy_site import BusySite

PhaseKey = tuple[str, int, str]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PHASES = {
    "monthly": ("first", "web", "rest"),
    "tools": ("some", "all", "late"),
    "EmergencyChange/blaster": ("reference", "everybody"),
    "Removal/tool": ("trial", "all"),
}
SHARES = {
    ("monthly", "first"): Fraction(60, 100),
    ("monthly", "web"): Fraction(50, 100),
    ("tools", "some"): Fraction(50, 100),
}
SOAKS = {("monthly", "first"): HOUR}
DEADLINES = {
    ("monthly", "first"): 6 * HOUR,
    ("monthly", "web"): DAY,
    ("monthly", "rest"): 2 * DAY,
    ("tools", "some"): 2 * HOUR,
    ("tools", "all"): 4 * HOUR,
}
BY_THE_CLOCK = {("tools", "late")}
"""What the manifests of a busy site say; the last opens whatever the earlier ones do."""


@dataclass
class InForce:
    """What people decided, told plainly: who is waived until when, what is frozen, what stands."""

    waived: dict[tuple[str, str], datetime] = field(default_factory=dict)
    freezes: list[tuple[datetime, datetime, str]] = field(default_factory=list)
    excepted: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    suspended: bool = False
    fresh: bool = True

    def is_frozen(self, computer: Computer, moment: datetime) -> bool:
        """Tell whether a computer is frozen at an instant."""
        return any(
            begin <= moment < end and (not ring or computer.facts["ring"] == ring)
            for begin, end, ring in self.freezes
        )

    def freezes_openings(self, moment: datetime) -> bool:
        """Tell whether no phase at all opens."""
        return any(begin <= moment < end and not ring for begin, end, ring in self.freezes)


def window_around(computer: Computer, moment: datetime) -> tuple[datetime, datetime]:
    """Give the window of everybody on the computer's own day."""
    zone = ZoneInfo(str(computer.facts.get("timezone", "Europe/Rome")))
    begin = datetime.combine(moment.astimezone(zone).date(), time(10), zone).astimezone(UTC)
    return begin, begin + 9 * HOUR


def why_it_may_not_start(site: BusySite, force: InForce, name: str, offer: Offer) -> list[str]:
    """Give every reason against a start that was just made; an empty list is what should be."""
    return list(_reasons_against(site, force, name, offer))


def _reasons_against(site: BusySite, force: InForce, name: str, offer: Offer) -> Iterator[str]:
    advert = site.world.memory.advertisements[offer.advertisement,]
    computer, agent = site.world.computers[name], site.agents[name]
    yield from _against_offer(site, advert, computer)
    yield from _against_updates(site, force, name, offer)
    if advert.rollout == "monthly" and force.suspended:
        yield "its authorization is suspended"
    if not agent.is_asked_for:
        yield from _against_instant(force, advert, computer, offer, site.world.now)
        yield from _against_disruption(site, name, advert)


def _against_offer(site: BusySite, advert: Advertisement, computer: Computer) -> Iterator[str]:
    memory, key = site.world.memory, (advert.rollout, advert.release, advert.phase)
    states = {
        record.phase: record.state
        for record in memory.phases.values()
        if (record.rollout, record.release) == key[:2] and not record.retired
    }
    if PhaseState.HALTED in states.values():
        yield "its release is halted"
    if key[2] not in states:
        yield "its phase is not open"
    if computer.ordinal not in memory.memberships[key].members:
        yield "it is not targeted"


def _against_updates(site: BusySite, force: InForce, name: str, offer: Offer) -> Iterator[str]:
    removes = offer.program == UNINSTALL
    begins_as = UpdateState.INSTALLED if removes else UpdateState.MISSING
    for one in offer.updates:
        if site.agents[name].truth[one.id] is not begins_as:
            yield f"{one.id} is not {begins_as.value}"
        if not removes:
            yield from _against_installing(site, force, name, one.id)
        if offer.rollout == "monthly" and one.id in force.excepted:
            yield f"{one.id} is excepted"


def _against_installing(site: BusySite, force: InForce, name: str, update: str) -> Iterator[str]:
    now = site.world.now
    if force.waived.get((name, update), now) > now:
        yield f"{update} is waived"
    if update in force.rejected or site.world.entries[update].withdrawn:
        yield f"{update} is rejected or withdrawn"


def _against_instant(
    force: InForce, advert: Advertisement, computer: Computer, offer: Offer, now: datetime
) -> Iterator[str]:
    begin, end = window_around(computer, now)
    if not begin <= now <= end - offer.max_runtime:
        yield "no window holds it"
    if force.is_frozen(computer, now) and not advert.rollout.startswith("EmergencyChange/"):
        yield "the computer is frozen"
    if _is_early(advert, computer, now):
        yield "its user still has time"


def _is_early(advert: Advertisement, computer: Computer, now: datetime) -> bool:
    """A user's computer starts nothing by itself before the deadline."""
    deadline = DEADLINES.get((advert.rollout, advert.phase))
    has_user = computer.facts.get("class") == "workstation" and deadline is not None
    return has_user and now < advert.available_at + (deadline or HOUR)


def _against_disruption(site: BusySite, name: str, advert: Advertisement) -> Iterator[str]:
    """Count who truly runs something that a budget binds, beside this one (S19)."""
    computers, memory = site.world.computers, site.world.memory
    mine = computers[name].facts
    others = {
        other: computers[other]
        for other, offer in site.running().items()
        if other != name and (_is_web(computers[other]) or offer.rollout == "monthly")
    }
    if _is_web(computers[name]) and any(map(_is_web, others.values())):
        yield "another web server is disrupted"
    members = memory.memberships[advert.rollout, advert.release, advert.phase].members
    if advert.rollout == "monthly" and any(
        one.ordinal in members and one.facts.get("rack") == mine.get("rack")
        for one in others.values()
    ):
        yield "another computer of its rack and phase is disrupted"


def _is_web(computer: Computer) -> bool:
    return computer.facts["ring"] == "web"


class Historian:
    """Follows the actions of every plan one by one, and says what none of them may do."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.offered: dict[PhaseKey, set[str]] = {}
        self.tested: dict[PhaseKey, set[str]] = {}
        self.frozen_sets: dict[tuple[str, int], set[tuple[str, int]]] = {}
        self.holds_since: dict[PhaseKey, datetime] = {}
        self.seen: set[str] = set()
        self._members: dict[PhaseKey, Membership] = {}

    def judge(self, site: BusySite, force: InForce, actions: tuple[Action, ...]) -> list[str]:
        """Give what is wrong with the actions of a plan that is about to be carried out."""
        states = dict(site.world.memory.phases)
        self._members = dict(site.world.memory.memberships)
        self._watch_gates(site, force, states)
        found: list[str] = []
        for action in actions:
            record = action.record
            if action.verb in DROPS and not force.fresh and action.verb is not Verb.FORGET_GRANT:
                found.append(f"{action.verb} on a failed read: {record}")
            if action.verb is Verb.OPEN_PHASE and isinstance(record, PhaseRecord):
                found += self._against_opening(site, force, record, states)
            if action.verb is Verb.PASS_PHASE and isinstance(record, PhaseRecord):
                found += self._against_passing(site, force, record)
            if isinstance(record, Advertisement):
                found += self._against_offering(action.verb, record)
            if action.verb in {Verb.CUT_RELEASE, Verb.CHANGE_RELEASE}:
                found += self._against_content(record, states)
            if action.verb not in DROPS and isinstance(record, Membership | PhaseRecord):
                table: dict[PhaseKey, Any] = (
                    states if isinstance(record, PhaseRecord) else self._members
                )
                table[record.rollout, record.release, record.phase] = record
        return [*found, *_against_retiring(site, force, actions, states)]

    def _against_opening(
        self,
        site: BusySite,
        force: InForce,
        record: PhaseRecord,
        states: dict[PhaseKey, PhaseRecord],
    ) -> Iterator[str]:
        now = site.world.now
        if record.opened_at != now:
            yield f"{record} is dated otherwise"
        for earlier in _earlier(record):
            before = states.get((record.rollout, record.release, earlier))
            if before is None or before.state is not PhaseState.SUCCEEDED:
                yield f"{record.phase} of {record.rollout} opens before {earlier} has succeeded"
        mine = [one for key, one in states.items() if key[:2] == (record.rollout, record.release)]
        if any(one.state is PhaseState.HALTED and not one.retired for one in mine):
            yield f"{record.phase} of {record.rollout} opens while it is halted"
        if force.suspended and record.rollout == "monthly":
            yield f"{record.phase} of {record.rollout} opens while it is suspended"
        if force.freezes_openings(now) and not record.rollout.startswith("EmergencyChange/"):
            yield f"{record.phase} of {record.rollout} opens in a freeze"

    def _against_passing(
        self, site: BusySite, force: InForce, record: PhaseRecord
    ) -> Iterator[str]:
        """Of those who have said something since the opening, enough comply; long enough."""
        key = (record.rollout, record.release, record.phase)
        self.tested[key] = set(self.offered.get(key, ()))
        place = (record.rollout, record.phase)
        if record.passage is not Passage.GATE or place not in SHARES:
            return
        self.seen.add("/".join(place))
        now = site.world.now
        if now < self.holds_since.get(key, now) + SOAKS.get(place, timedelta(0)):
            yield f"{place} passes before its soak"
        comply, missing = self._compliance(site, force, record)
        if not _is_enough(place, comply, missing):
            yield f"{place} passes with {comply} who comply and {missing} who do not"

    def _watch_gates(
        self, site: BusySite, force: InForce, states: Mapping[PhaseKey, PhaseRecord]
    ) -> None:
        """Note since when enough have complied at every plan."""
        for key, record in states.items():
            place = (record.rollout, record.phase)
            if place in SHARES and record.state is PhaseState.OPEN:
                counts = self._compliance(site, force, record)
                if not _is_enough(place, *counts) or (force.suspended and key[0] == "monthly"):
                    self.holds_since.pop(key, None)
                else:
                    self.holds_since.setdefault(key, site.world.now)
            else:
                self.holds_since.pop(key, None)

    def _compliance(self, site: BusySite, force: InForce, record: PhaseRecord) -> tuple[int, int]:
        """Count who has said since the opening that it complies, and that it does not."""
        key = (record.rollout, record.release, record.phase)
        release = site.world.memory.releases[key[:2]]
        members = self._members[key].members if key in self._members else ()
        verdicts = [
            _verdict(site, force, name, release, record.opened_at)
            for name, computer in site.world.computers.items()
            if computer.ordinal in members
        ]
        return verdicts.count(True), verdicts.count(False)

    def _against_offering(self, verb: Verb, record: Advertisement) -> Iterator[str]:
        key = (record.rollout, record.release, record.phase)
        if verb in DROPS:
            self.offered.pop(key, None)
            return
        if verb is Verb.CREATE_ADVERTISEMENT:
            if record.id in self.ids:
                yield f"the id {record.id} is given once more"
            self.ids.add(record.id)
        self.offered[key] = set(record.updates)
        for earlier in _earlier(record):
            tested = self.tested.get((record.rollout, record.release, earlier), set())
            if not set(record.updates) <= tested:
                yield f"{key} offers what {earlier} has not tested: {set(record.updates) - tested}"

    def _against_content(
        self, record: object, states: dict[PhaseKey, PhaseRecord]
    ) -> Iterator[str]:
        """Once a release has opened anywhere, nothing joins it and no revision changes."""
        assert isinstance(record, Release)
        key = (record.rollout, record.number)
        content = {(one.id, one.revision) for one in record.updates}
        has_opened = any(one[:2] == key for one in states)
        if has_opened and not content <= self.frozen_sets.get(key, content):
            yield f"release {key} takes in {content - self.frozen_sets[key]}"
        self.frozen_sets[key] = content


def _against_retiring(
    site: BusySite,
    force: InForce,
    actions: tuple[Action, ...],
    states: Mapping[PhaseKey, PhaseRecord],
) -> Iterator[str]:
    """Only what left git, ended, was emptied, or is served by a newer release retires (S16)."""
    for action in actions:
        one = action.record
        if action.verb is not Verb.RETIRE_ADVERTISEMENT or not isinstance(one, Advertisement):
            continue
        document = one.rollout if "/" in one.rollout else f"Rollout/{one.rollout}"
        if document not in site.world.documents or _has_ended(site, one.rollout, actions):
            continue
        if not (_is_served(one, states) or _is_emptied(site, force, one)):
            yield f"the offer of {one.rollout}/{one.release} in {one.phase} retires"


def _is_served(offer: Advertisement, states: Mapping[PhaseKey, PhaseRecord]) -> bool:
    """Tell whether a newer release has succeeded where this one is offered."""
    return any(
        key[0] == offer.rollout
        and key[1] > offer.release
        and key[2] == offer.phase
        and other.state is PhaseState.SUCCEEDED
        for key, other in states.items()
    )


def _is_emptied(site: BusySite, force: InForce, offer: Advertisement) -> bool:
    """Tell whether nothing of an offer is authorized any more."""
    out = force.rejected | {one for one, entry in site.world.entries.items() if entry.withdrawn}
    excepted = force.excepted if offer.rollout == "monthly" else set()
    return (out | excepted).issuperset(offer.updates)


def _has_ended(site: BusySite, rollout: str, actions: tuple[Action, ...]) -> bool:
    """Tell whether an emergency is over, at the latest by these actions."""
    entered = [one.record for one in actions if one.verb is Verb.ENTER_STATE]
    records = [*entered, *site.world.memory.emergencies.values()]
    return any(
        isinstance(one, EmergencyRecord)
        and one.rollout == rollout
        and one.has_reached(EmergencyState.RETIRED)
        for one in records
    )


def _earlier(record: PhaseRecord | Advertisement) -> tuple[str, ...]:
    """Give the phases that have to succeed before one opens."""
    names = PHASES[record.rollout]
    if (record.rollout, record.phase) in BY_THE_CLOCK:
        return ()
    return names[: names.index(record.phase)]


def _is_enough(place: tuple[str, str], comply: int, missing: int) -> bool:
    return comply > 0 and Fraction(comply, comply + missing) >= SHARES[place]


def _verdict(
    site: BusySite, force: InForce, name: str, release: Release, since: datetime
) -> bool | None:
    """Tell whether a computer complies, by what it said after an instant; nothing is silence."""
    computer, now = site.world.computers[name], site.world.now
    contact, scanned = computer.last_contact_at, computer.last_scan_at
    run: Run | None = computer.runs.get(f"{release.first_name}/{release.number}")
    ended = run.ended_at if run is not None else None
    if contact is None or now - contact >= DAY or scanned is None or now - scanned > 2 * DAY:
        return None
    if max(scanned, ended or scanned) <= since:
        return None
    if any(computer.scan_version < site.world.entries[one].since for one in release.ids):
        return None
    asked = [one for one in release.ids if force.waived.get((name, one), now) <= now]
    if not asked:
        return None
    return not any(computer.states.get(one) is UpdateState.MISSING for one in asked)
