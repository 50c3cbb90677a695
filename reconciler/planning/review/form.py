"""What a reviewer is shown of a change: a value, in a fixed order (S25)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from reconciler.model.updates import UpdateSeverity
from reconciler.planning.conditions import Condition

MOST_NAMED = 10
"""So many computers are named where a count is told; the rest is counted only."""


class Fate(StrEnum):
    """What becomes of a document, or of a release in a phase, by the change."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A manifest that the change adds, edits or deletes.

    `digest` is of what it says with the change, strategies and defaults worked in; empty where
    it is gone.
    """

    fate: Fate
    kind: str
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Retirement:
    """Something that the change takes away; `computers` are those that it was for."""

    verb: str
    what: str
    computers: int
    rule: str
    because: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What a phase promises of a release, as manifests write it, and whether it is held.

    `deadline` is a duration, an instant, or empty; `restart` is the rule of servers and that of
    workstations.
    """

    state: str
    held: bool
    opens: str
    deadline: str
    grace: str
    spread: str
    restart: tuple[str, str]
    override_windows: bool


@dataclass(frozen=True, slots=True)
class StageChange:
    """One release in one phase: who is targeted newly and no longer, with and without the change.

    `is_cut` tells whether the release exists at once; else its updates wait for one. `installs`
    are the computers that would install something and, without the change, would not here;
    `unknown` are targeted ones of whom no scan tells whether they would.
    """

    rollout: str
    release: int
    phase: str
    fate: Fate
    is_cut: bool
    target: int
    newly: int
    no_longer: int
    installs: int
    unknown: int
    newly_named: tuple[str, ...]
    no_longer_named: tuple[str, ...]
    before: Terms | None
    after: Terms | None


@dataclass(frozen=True, slots=True)
class UpdateChange:
    """An update that a rollout offers newly, or no longer; `needed` is how many it concerns.

    Those are the targeted computers that miss it, or, to a removal, that have it.
    """

    fate: Fate
    rollout: str
    id: str
    title: str
    product: str
    version: str
    severity: UpdateSeverity
    cves: tuple[str, ...]
    irreversible: bool
    needs_restart: bool
    needed: int


@dataclass(frozen=True, slots=True)
class ContentChange:
    """A package version that a distribution point newly holds; sizes are bytes of its files.

    `fetched` leaves out what the point holds already. Indexes, and what the files depend on
    beside them, are known only when it is captured.
    """

    point: str
    package: str
    version: int
    files: int
    size: int
    fetched: int


@dataclass(frozen=True, slots=True)
class LocalDeadline:
    """When a deadline is, for the computers of one time zone.

    `due_at` is nothing where it runs from an opening that is still ahead.
    """

    zone: str
    computers: int
    due_at: datetime | None
    local: str


@dataclass(frozen=True, slots=True)
class StageDeadline:
    """A phase's deadline for a release in the fleet's own times."""

    rollout: str
    release: int
    phase: str
    after_opening: timedelta | None
    zones: tuple[LocalDeadline, ...]


@dataclass(frozen=True, slots=True)
class Unserved:
    """Computers that no window lets begin before their deadline, or not after every opening.

    `never` is false where it depends on when the phase opens.
    """

    rollout: str
    release: int
    phase: str
    computers: int
    named: tuple[str, ...]
    collections: tuple[str, ...]
    zone: str
    needed: timedelta
    never: bool


@dataclass(frozen=True, slots=True)
class CollectionChange:
    """Who a collection gains and loses by the change."""

    name: str
    joined: int
    left: int


@dataclass(frozen=True, slots=True)
class Governed:
    """A policy that is in force with the change, and what it demands, in words."""

    policy: str
    demands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the forecast says of a release: when 95 % comply, and who misses deadlines.

    `at` is nothing where the share is not reached before the forecast ends. `reasons` are those
    of the late, as docs/forecast.md names them, with how many each has, most first.
    """

    rollout: str
    release: int
    at: datetime | None
    late: int
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is to be expected after the change; `until` is the forecast's end."""

    until: datetime
    share: int
    releases: tuple[Expected, ...]
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Computers of the whole fleet, each counted once, with the change and not without it."""

    newly_targeted: int
    no_longer_targeted: int
    installs: int
    restarts: int
    restarts_suppressed: int
    other_windows: int


@dataclass(frozen=True, slots=True)
class Review:
    """What a change does beyond what is in force without it; the parts are in a fixed order.

    `conditions` are those that only the change brings; `enforce` is the site's mode with it.
    """

    base: str
    head: str
    now: datetime
    enforce: bool
    totals: Totals
    documents: tuple[DocumentChange, ...]
    retirements: tuple[Retirement, ...]
    stages: tuple[StageChange, ...]
    updates: tuple[UpdateChange, ...]
    content: tuple[ContentChange, ...]
    deadlines: tuple[StageDeadline, ...]
    unserved: tuple[Unserved, ...]
    collections: tuple[CollectionChange, ...]
    conditions: tuple[Condition, ...]
    relieved: tuple[Condition, ...]
    policies: tuple[Governed, ...]
