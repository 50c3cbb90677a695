"""What is offered, and what one computer is offered (S11, S15 to S17)."""

from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.kinds.phase import Phase
from reconciler.model.computers import Computer
from tests.reference.deadlines import computer_deadline, deadline_of, not_before
from tests.reference.halts import blocking
from tests.reference.remembered import Release, Stand
from tests.reference.verdicts import needed_updates
from tests.reference.views import Judge, View


@dataclass(frozen=True)
class Advert:
    """An offer of one release in one phase."""

    rollout: str
    release: int
    phase: str
    updates: frozenset[str]
    available_at: datetime
    mandatory_at: datetime | None
    held: bool
    rerun_at: datetime | None = None


def adverts(view: View) -> set[Advert]:
    """Give one advertisement per open phase of each live release (S16)."""
    if view.force == "ended":
        return set()
    made = set()
    for release in view.memory.live():
        for name, stand in view.memory.stands_of(release.number).items():
            if stand.passage != "skipped" or stand.state == "halted":
                made.add(_advert(view, release, view.phase_named(name), stand))
    return made


def _advert(view: View, release: Release, phase: Phase, stand: Stand) -> Advert:
    return Advert(
        rollout=view.name,
        release=release.number,
        phase=phase.name,
        updates=frozenset(release.left()),
        available_at=stand.opened_at,
        mandatory_at=deadline_of(phase, stand.opened_at),
        held=view.paused or view.memory.is_halted(release.number),
        rerun_at=last_rerun(view, phase.name, stand),
    )


def last_rerun(view: View, phase: str, stand: Stand) -> datetime | None:
    """Give when a phase was last ordered to run once more, since it opened (S16)."""
    ordered = [moment for (name, _), moment in view.memory.reruns.items() if name == phase]
    return max((one for one in ordered if one >= stand.opened_at), default=None)


@dataclass(frozen=True)
class OwnOffer:
    """An advertisement as one computer sees it: its own deadline, and what it misses."""

    rollout: str
    release: int
    phase: str
    updates: frozenset[tuple[str, datetime | None]]
    mandatory_at: datetime | None
    held: bool

    def undated(self) -> "OwnOffer":
        """Give the same without deadlines."""
        updates = frozenset((update, None) for update, _ in self.updates)
        return replace(self, updates=updates, mandatory_at=None)


def own_offers(judge: Judge, views: list[View], name: str) -> set[OwnOffer]:
    """Give what is offered to one computer (S16)."""
    found, computer = set(), judge.computer(name)
    for view in views:
        for offer in adverts(view):
            stand = view.memory.stands[offer.release, offer.phase]
            if name not in stand.members:
                continue
            release = view.memory.releases[offer.release]
            if not release.shelved:
                continue
            updates = needed_updates(
                judge.sight, computer, release.left(), judge.waived, keep=view.keeps_superseded
            ) - kept_from(views, view, release, stand, name)
            if updates:
                found.add(_own(judge, view, offer, computer, updates))
    return found


def _own(
    judge: Judge, view: View, offer: Advert, computer: Computer, updates: set[str]
) -> OwnOffer:
    stand = view.memory.stands[offer.release, offer.phase]
    phase = view.phase_named(offer.phase)
    due = computer_deadline(judge.sight, view, phase, stand, computer)
    again = {one: not_before(judge, phase, stand, due, (computer.name, one)) for one in updates}
    return OwnOffer(view.name, offer.release, phase.name, frozenset(again.items()), due, offer.held)


def kept_from(views: list[View], view: View, release: Release, stand: Stand, name: str) -> set[str]:
    """Give what halts elsewhere keep from a computer that joined after them (S15)."""
    joined = stand.members[name] or stand.opened_at
    return {
        update
        for update, halts in blocking(views, view, release.number).items()
        if any(one.halted_at is not None and joined >= one.halted_at for one in halts)
    }
