"""What the reference remembers between two plans (S25)."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Release:
    """A numbered, frozen set of updates, by id with their revisions (S12)."""

    number: int
    updates: dict[str, int]
    cut_at: datetime
    removed: set[str] = field(default_factory=set)
    retired: bool = False
    folded: bool = False
    opened: bool = False

    def left(self) -> dict[str, int]:
        """Give what is offered: the updates that did not leave the authorization."""
        return {one: at for one, at in self.updates.items() if one not in self.removed}


@dataclass
class Stand:
    """One release in one opened phase (S13).

    `members` gives when each computer entered, or nothing for those who were there at the
    opening, `joined` when it was first heard of after that, and `capped` what its deadline may not
    pass (S17); `relieved` tells that a halt was lifted by taking its updates out.
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
    capped: dict[str, datetime] = field(default_factory=dict)
    retired: bool = False

    def tried_since(self) -> datetime:
        """Give from when on failures count: the opening or the last lift (S15)."""
        return max(self.opened_at, self.lifted_at or self.opened_at)

    def lift(self, state: str, now: datetime) -> None:
        """End a halt (S15)."""
        self.state, self.soak_since, self.lifted_at = state, None, now
        self.halted_at, self.before_halt, self.blocked = None, "", set()


@dataclass
class RolloutMemory:
    """All that is remembered of one rollout; `limbo` holds what a failed read did not show."""

    releases: dict[int, Release] = field(default_factory=dict)
    stands: dict[tuple[int, str], Stand] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    limbo: dict[tuple[int, str], Stand] = field(default_factory=dict)

    def live(self) -> list[Release]:
        """Give the releases that are not retired, oldest first."""
        return [one for _, one in sorted(self.releases.items()) if not one.retired]

    def stands_of(self, number: int) -> dict[str, Stand]:
        """Give a release's phases that opened and from which it did not retire."""
        return {
            phase: stand
            for (release, phase), stand in self.stands.items()
            if release == number and not stand.retired
        }

    def is_halted(self, number: int) -> bool:
        """Tell whether a halt holds the release (S15)."""
        return any(stand.state == "halted" for stand in self.stands_of(number).values())
