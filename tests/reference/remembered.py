"""What the reference remembers between two plans (S25)."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Release:
    """A numbered, frozen set of updates, by id with their revisions (S12).

    `renegotiated` tells that a commit changed deadlines after phases had opened, and `shelved`
    that the distribution point holds the content as it is now, in a version of `package`.
    """

    number: int
    updates: dict[str, int]
    cut_at: datetime
    removed: set[str] = field(default_factory=set)
    retired: bool = False
    folded: bool = False
    opened: bool = False
    renegotiated: bool = False
    shelved: bool = False
    package: str = ""

    def left(self) -> dict[str, int]:
        """Give what is offered: the updates that did not leave the authorization."""
        return {one: at for one, at in self.updates.items() if one not in self.removed}


@dataclass
class Stand:
    """One release in one opened phase (S13).

    `members` gives when each computer entered, or nothing for those who were there at the
    opening, `joined` when it was first heard of after that, and `capped` what its deadline may not
    pass (S17). `terms` are what deadlines followed from at the last plan. `relieved` tells that a
    halt was lifted by taking its updates out. A phase that left the list is no longer `listed`,
    and remembered only while that is not certain, or while it is halted.
    """

    opened_at: datetime
    state: str = "open"
    members: dict[str, datetime | None] = field(default_factory=dict)
    soak_since: datetime | None = None
    passage: str = ""
    halted_at: datetime | None = None
    before_halt: str = ""
    blocked: set[str] = field(default_factory=set)
    lifted_at: datetime | None = None
    relieved: bool = False
    joined: dict[str, datetime] = field(default_factory=dict)
    terms: object = None
    capped: dict[str, datetime] = field(default_factory=dict)
    retired: bool = False
    listed: bool = True

    def tried_since(self) -> datetime:
        """Give from when on failures count: the opening or the last lift (S15)."""
        return max(self.opened_at, self.lifted_at or self.opened_at)

    def lift(self, state: str, now: datetime) -> None:
        """End a halt (S15)."""
        self.state, self.soak_since, self.lifted_at = state, None, now
        self.halted_at, self.before_halt, self.blocked = None, "", set()


@dataclass
class RolloutMemory:
    """All that is remembered of one rollout."""

    releases: dict[int, Release] = field(default_factory=dict)
    stands: dict[tuple[int, str], Stand] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    reruns: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def live(self) -> list[Release]:
        """Give the releases that are not retired, oldest first."""
        return [one for _, one in sorted(self.releases.items()) if not one.retired]

    def stands_of(self, number: int) -> dict[str, Stand]:
        """Give a release's phases that opened and from which it did not retire."""
        opened = self.opened_by(number)
        return {phase: stand for phase, stand in opened.items() if not stand.retired}

    def opened_by(self, number: int) -> dict[str, Stand]:
        """Give the phases in the list that opened for a release (S13)."""
        return {
            phase: stand
            for (release, phase), stand in self.stands.items()
            if release == number and stand.listed
        }

    def is_halted(self, number: int) -> bool:
        """Tell whether a halt holds the release: only git lifts one, retired or not (S15)."""
        return any(
            stand.state == "halted"
            for (release, _), stand in self.stands.items()
            if release == number
        )
