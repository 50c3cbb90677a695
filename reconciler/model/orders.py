"""How a run is to be done: restart, the user's rights, hooks, files (S17, S18, G4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Optional


@dataclass(frozen=True)
class RestartOrder:
    """What happens when an update needs a restart: suppress, if-required or force, by class.

    `grace` is the time that users have before it.
    """

    servers: str = "suppress"
    workstations: str = "if-required"
    grace: timedelta = timedelta(0)


_RESTARTS = ("suppress", "if-required", "force")


def stricter(first: RestartOrder, second: RestartOrder) -> RestartOrder:
    """Give for each class the rule that restarts sooner, and the longer grace (S12a)."""
    return RestartOrder(
        servers=max(first.servers, second.servers, key=_RESTARTS.index),
        workstations=max(first.workstations, second.workstations, key=_RESTARTS.index),
        grace=max(first.grace, second.grace),
    )


@dataclass(frozen=True)
class Reminder:
    """The user is told so long before the deadline, and again every so often from then on."""

    before: timedelta
    every: Optional[timedelta] = None


@dataclass(frozen=True)
class UserRights:
    """What the computer's user may do before the deadline (S17)."""

    available: bool = True
    postpone: bool = True
    reminders: tuple[Reminder, ...] = ()


@dataclass(frozen=True)
class HookOrder:
    """Names of hooks that agents have configured, empty for none, and how long one may take."""

    before: str = ""
    after: str = ""
    timeout: timedelta = timedelta(minutes=10)


@dataclass(frozen=True)
class RunOrder:
    """All that an advertisement says of how its program is run.

    `content` is captured or repository (S18). Starts are spread over `spread`, each computer by
    its own share of it (S17). An `emergency` passes the freezes that are not for emergencies;
    `override_windows` lets it start outside windows too (S13a, S18).
    """

    restart: RestartOrder = field(default_factory=RestartOrder)
    user: UserRights = field(default_factory=UserRights)
    hooks: HookOrder = field(default_factory=HookOrder)
    content: str = "captured"
    spread: timedelta = timedelta(0)
    emergency: bool = False
    override_windows: bool = False
