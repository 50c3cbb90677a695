"""What the site knows of a computer, and how recently; and what an update is to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from reconciler.model.aims import Aim
from reconciler.model.reasons import Reason
from reconciler.model.times import later, render_duration
from reconciler.model.updates import UpdateState
from reconciler.planning.actions import Cause
from reconciler.planning.explain.case import Case, cause_of
from reconciler.planning.explain.chain import Step
from reconciler.planning.explain.restarts import restart_told
from reconciler.planning.verdicts import needed_updates

REFUSAL_FACT = "agent.policy.refusal"
_POLLS_MISSED = 3
_BY_STATE = {
    None: (Reason.NOT_APPLICABLE, "the last scan found that it does not apply"),
    UpdateState.INSTALLED: (Reason.INSTALLED, "the last scan found it installed"),
    UpdateState.PENDING_RESTART: (Reason.RESTART_PENDING, "installed, and waits for a restart"),
    UpdateState.UNKNOWN: (Reason.NOT_REPORTED, "the last scan could not tell its state"),
}


def contact_steps(case: Case) -> Iterator[Step]:
    """Ask whether the computer is there: enrolled, in contact, and taking the site's word."""
    computer = case.computer
    if computer.retired:
        yield Step("enrolled", "it was retired from the fleet", Reason.RETIRED)
    if computer.quarantine:
        told = f"nothing is offered to it, nor believed of it: {computer.quarantine}"
        yield Step("enrolled", told, Reason.QUARANTINED, computer.enrolled_at)
    yield Step("enrolled", "it is enrolled", at=computer.enrolled_at)
    seen_at = later(computer.enrolled_at, computer.last_contact_at)
    patience = _POLLS_MISSED * max(case.policy.report_every, case.policy.poll_every)
    if case.now - seen_at > patience:
        reason, because = _silence(case, seen_at)
        yield Step("contact", because, reason, seen_at)
    yield Step("contact", f"heard of within {render_duration(patience)}", at=seen_at)
    refusal = computer.facts.get(REFUSAL_FACT)
    if refusal:
        told = f"its agent refuses the site's policy: {refusal}"
        yield Step("access", told, Reason.ACCESS_DENIED, computer.last_contact_at)


def scan_steps(case: Case, *, is_missing: bool = False) -> Iterator[Step]:
    """Ask whether there is a scan to believe; one that found something missing needs no age."""
    scanned_at = case.computer.last_scan_at
    if scanned_at is None:
        yield _never_scanned(case)
        return
    rule = _scan_rule(case)
    fresh = case.computer.ordinal in case.world.evidence.recent
    if not fresh and not is_missing:
        told = "its last scan is older than its staleAfter"
        yield Step("scan", told, Reason.SCAN_STALE, scanned_at, rule)
    told = "recent enough" if fresh else "older than its staleAfter, and found the update missing"
    yield Step("scan", told, at=scanned_at, rule=rule)


def update_steps(case: Case, update: str) -> Iterator[Step]:
    """Ask what the last scan says of the update; what it finds missing needs no fresher one."""
    computer, entry = case.computer, case.world.observed.catalog.entries.get(update)
    if entry is None:
        yield Step("catalog", "the catalog has no such update", Reason.UNKNOWN_UPDATE)
        return
    required = case.required(entry)
    yield Step("catalog", f"known since content version {required}", at=entry.first_seen_at)
    state = computer.states.get(update)
    is_missing = state is UpdateState.MISSING
    yield from scan_steps(case, is_missing=is_missing)
    yield from _version_steps(case, required, is_missing=is_missing)
    if state in _BY_STATE:
        reason, told = _BY_STATE[state]
        if reason is Reason.RESTART_PENDING:
            told += restart_told(case.statuses)
        yield Step("state", told, reason, computer.last_scan_at)
    yield Step("state", "the last scan found it missing", at=computer.last_scan_at)
    yield from _supersedence(case, update)
    waived = case.decisions.plan.guidance.waivers.get(update)
    if waived is not None and computer.ordinal in waived.waived:
        yield _waiver(case, update)


def _silence(case: Case, seen_at: datetime) -> tuple[Reason, str]:
    computer, running = case.computer, case.running()
    if running is not None:
        began = f"release {running.rollout}/{running.release}"
        return Reason.AGENT_STOPPED, f"it fell silent while a run of {began} was under way"
    scanned_at = computer.last_scan_at
    if scanned_at is not None and seen_at <= scanned_at + case.policy.report_every:
        return Reason.NO_CONTACT_SINCE_SCAN, "nothing was heard of it since its last scan"
    return Reason.OFFLINE, "nothing was heard of it for longer than three reports take"


def _version_steps(case: Case, required: int, *, is_missing: bool) -> Iterator[Step]:
    computer = case.computer
    versions = f"it knew content version {computer.scan_version}, {required} is required"
    if computer.scan_version < required and not is_missing:
        yield Step("content version", versions, Reason.SCAN_BEFORE_CATALOG, computer.last_scan_at)
    yield Step("content version", versions, at=computer.last_scan_at)


def _never_scanned(case: Case) -> Step:
    fleet, computer = case.world.observed.fleet, case.computer
    before = any(
        name == computer.name and ordinal not in fleet.enrolled
        for ordinal, name in fleet.names.items()
    )
    if before:
        told = "a retired computer had its name, and it has not scanned yet"
        return Step("scan", told, Reason.BEING_REBUILT, computer.enrolled_at)
    return Step("scan", "it has not scanned yet", Reason.NOT_SCANNED, computer.enrolled_at)


def _scan_rule(case: Case) -> Cause | None:
    """Name the ScanPolicy that governs the computer: the one with the shortest `staleAfter`."""
    world, kind = case.world, case.computer.machine_class.value
    found: list[tuple[timedelta, str]] = []
    for name, placed in world.desired.scan_policies.items():
        spec = placed.document.spec
        if case.computer.ordinal in world.collections.members(spec.collection):
            found.append((getattr(spec.stale_after, kind), name))
    if not found:
        return None
    placed = world.desired.scan_policies[min(found)[1]]
    return cause_of(placed, ("spec", "staleAfter", kind), "S10", "how old a scan may be")


def _supersedence(case: Case, update: str) -> Iterator[Step]:
    catalog, states = case.world.observed.catalog, case.computer.states
    if not needed_updates(catalog, states, frozenset({update}), Aim.INSTALL_SUPERSEDED_TOO):
        newer = sorted(
            one
            for one in catalog.superseders.get(update, ())
            if states.get(one) is UpdateState.INSTALLED
        )
        told = f"{', '.join(newer)} is installed and supersedes it"
        yield Step("supersedence", told, Reason.SUPERSEDED, case.computer.last_scan_at)


def _waiver(case: Case, update: str) -> Step:
    found = [
        placed
        for placed in case.world.desired.waivers.values()
        if update in placed.document.spec.updates and case.now < placed.document.spec.until
    ]
    mine = [one for one in found if _covers(case, one.name)]
    last = max(mine or found, key=lambda one: one.document.spec.until)
    spec = last.document.spec
    approved = ", ".join(spec.approved_by)
    told = f"waived by {approved}: {spec.reason}"
    rule = cause_of(last, ("spec", "updates"), "S11", told)
    return Step("waiver", told, Reason.WAIVED, case.now, rule, spec.until)


def _covers(case: Case, waiver: str) -> bool:
    collections, ordinal = case.world.collections, case.computer.ordinal
    spec = case.world.desired.waivers[waiver].document.spec
    if spec.collection is not None and ordinal in collections.guarded(spec.collection):
        return True
    return any(ordinal in collections.named(one, f"Waiver/{waiver}") for one in spec.computers)
