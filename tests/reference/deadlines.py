"""When a computer has to be done, and who starts when (S11, S17)."""

import hashlib
from datetime import UTC, datetime, timedelta

from reconciler.kinds.phase import Phase
from reconciler.model.computers import Computer
from tests.reference.remembered import Release, Stand
from tests.reference.sight import Sight
from tests.reference.views import Judge, View
from tests.reference.windows import instant_of, local_zone


def deadline_of(phase: Phase, opened_at: datetime) -> datetime | None:
    """Give the phase's own deadline: a duration runs from the opening (S17)."""
    if phase.deadline is None or isinstance(phase.deadline, datetime):
        return phase.deadline
    return opened_at + phase.deadline


def first_deadline(
    sight: Sight, view: View, phase: Phase, stand: Stand, computer: Computer
) -> datetime | None:
    """Give the deadline of a computer that was there when the phase opened (S17)."""
    due = deadline_of(phase, stand.opened_at)
    if due is None:
        return None
    if view.spec.time_basis == "local" and isinstance(phase.deadline, datetime):
        wall = phase.deadline.astimezone(UTC)
        due = instant_of(wall.date(), wall.time(), local_zone(sight, computer))
    return max(due, stand.opened_at + phase.grace)


def computer_deadline(
    sight: Sight, view: View, phase: Phase, stand: Stand, computer: Computer
) -> datetime | None:
    """Give a computer's deadline, with the grace of the opening and of joining (S17).

    Who was not heard of since is not there to have one yet, and gets it with the next contact.
    """
    due = first_deadline(sight, view, phase, stand, computer)
    if due is None:
        return None
    joined = stand.joined.get(computer.name, sight.now)
    due = max(due, joined + phase.grace)
    return min(due, stand.capped.get(computer.name, due))


def note_contacts(judge: Judge, view: View) -> None:
    """Remember who was heard of for the first time since it entered an open phase (S17)."""
    sight = judge.sight
    for release in view.memory.live():
        for name, stand in view.memory.stands_of(release.number).items():
            note_terms(release, stand, view.phase_named(name), view.spec.time_basis)
            for member, entered in stand.members.items():
                contact = judge.computer(member).last_contact_at
                since = max(stand.opened_at, entered or stand.opened_at)
                if member not in stand.joined and contact is not None and contact >= since:
                    stand.joined[member] = sight.now


def note_terms(release: Release, stand: Stand, phase: Phase, basis: str) -> None:
    """Remember whether a commit changed what deadlines follow from."""
    terms = (phase.deadline, phase.grace, basis)
    release.renegotiated |= stand.terms not in {None, terms}
    stand.terms = terms


def note_passed(judge: Judge, view: View) -> None:
    """Remember the local deadlines that passed for a computer: they stay passed (S17)."""
    if view.spec.time_basis != "local":
        return
    for release in view.memory.live():
        for name, stand in view.memory.stands_of(release.number).items():
            phase = view.phase_named(name)
            if not isinstance(phase.deadline, datetime):
                continue
            for member in stand.members:
                due = computer_deadline(judge.sight, view, phase, stand, judge.computer(member))
                if due is not None and due <= judge.sight.now:
                    stand.capped[member] = due


def not_before(
    judge: Judge, phase: Phase, stand: Stand, due: datetime | None, pair: tuple[str, str]
) -> datetime | None:
    """Give from when on an update is run again whose waiver ended (S11).

    It joined anew then and has a deadline of its own, unless the phase opened only later, or the
    computer entered it only later.
    """
    ended = judge.waivers_ended.get(pair)
    since = stand.members[pair[0]] or stand.opened_at
    if ended is None or ended <= since:
        return None
    return max(due or ended, ended + phase.grace)


def spread_offset(rollout: str, phase: str, identity: str, spread: timedelta) -> timedelta:
    """Give a computer's share of a phase's spread (S17)."""
    text = f"patchwright.dev/spread/v1\n{rollout}\n{phase}\n{identity}"
    u = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return timedelta(microseconds=spread // timedelta(microseconds=1) * u // 2**64)
