"""Whether and when this computer restarts: pure decisions (S4, S12a, S17)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Optional, Union

from reconciler.agent.memory import Chain, PendingRestart, RunRecord
from reconciler.model.messages import StatusId
from reconciler.model.orders import RunOrder
from reconciler.model.policy import Windows
from reconciler.model.run_reasons import RestartWait

SUPPRESS, IF_REQUIRED, FORCE = "suppress", "if-required", "force"
BY_USER, BY_USER_AT = "user", "userAt"
"""Who postponed a restart: a user, or one who named the instant; else it is why."""
_STRICTNESS = (SUPPRESS, IF_REQUIRED, FORCE)
_SPARE = timedelta(minutes=10)
_KEPT = 20


class Now(str, Enum):
    """What becomes of a restart at this moment, where it does not wait."""

    RESTART = "restart"
    ANNOUNCE = "announce"


def rule_of(order: RunOrder, *, workstation: bool) -> str:
    """Give the rule for this class of computer."""
    return order.restart.workstations if workstation else order.restart.servers


def make_restart(
    chain: Chain, now: datetime, *, workstation: bool, needed: bool
) -> Optional[PendingRestart]:
    """Say which restart a chain of programs asks for, by the strictest of their rules.

    Those that worked ask for it, and those that need one before they can work. Nothing where
    none is needed and none forced, or all suppress it.
    """
    records = (*(program.record for program in chain.programs), *chain.stuck)
    rule = _strictest(rule_of(record.order, workstation=workstation) for record in records)
    if rule == SUPPRESS or (rule == IF_REQUIRED and not needed and not chain.stuck):
        return None
    asking = [
        record for record in records if rule_of(record.order, workstation=workstation) == rule
    ]
    return PendingRestart(
        rule=rule,
        grace=max(record.order.restart.grace for record in asking),
        since=now,
        boot=chain.boot,
        records=records,
        postpone_until=_last_postponement(asking),
    )


def decide(restart: PendingRestart, windows: Windows, now: datetime) -> Union[Now, RestartWait]:
    """Say what becomes of it now.

    It needs a rest of its grace and ten minutes in a window for restarts; then its users are told,
    and after the grace it happens. Its user may postpone it until the deadline.
    """
    if restart.postponed_until is not None and now < restart.postponed_until:
        return RestartWait.POSTPONED
    if restart.announced_at is not None and _rest(windows, now) is not None:
        over = now >= restart.announced_at + restart.grace
        return Now.RESTART if over else RestartWait.GRACE
    rest = _rest(windows, now)
    if rest is None or rest < restart.grace + _SPARE:
        return RestartWait.WINDOW
    return Now.ANNOUNCE if restart.grace else Now.RESTART


def next_decision_at(
    restart: PendingRestart, windows: Windows, now: datetime
) -> Optional[datetime]:
    """Say when the decision may be another; nothing where only a policy can change it."""
    moments = [restart.postponed_until, *(begin for begin, _ in windows.restarts)]
    if restart.announced_at is not None:
        moments.append(restart.announced_at + restart.grace)
    return min((moment for moment in moments if moment and moment > now), default=None)


def waiting_status(why: RestartWait, restart: PendingRestart) -> tuple[StatusId, RestartWait]:
    """Give the id and the reason that tell why a restart waits (H3)."""
    if why is not RestartWait.POSTPONED:
        automatic = why is RestartWait.WINDOW
        status = StatusId.DONE_RESTART_POSTPONED_AUTOMATICALLY
        return status if automatic else StatusId.RESTART_REQUIRED, why
    if restart.postponed_by == RestartWait.HOOK_BEFORE.value:
        return StatusId.DONE_RESTART_POSTPONED_AUTOMATICALLY, RestartWait.HOOK_BEFORE
    if restart.postponed_by == BY_USER_AT:
        return StatusId.DONE_RESTART_RESCHEDULED_BY_USER, why
    return StatusId.DONE_RESTART_POSTPONED_BY_USER, why


def merge(older: Optional[PendingRestart], newer: PendingRestart) -> PendingRestart:
    """Take one restart for both: the stricter rule counts, and nobody is put off by the newer."""
    if older is None or older.boot != newer.boot:
        return newer
    return replace(
        older,
        rule=_strictest((older.rule, newer.rule)),
        grace=max(older.grace, newer.grace),
        records=(*older.records, *newer.records)[-_KEPT:],
        postpone_until=_earliest(older.postpone_until, newer.postpone_until),
    )


def _strictest(rules: Iterable[str]) -> str:
    return max(rules, key=_STRICTNESS.index, default=SUPPRESS)


def _last_postponement(records: Iterable[RunRecord]) -> Optional[datetime]:
    """Say until when a user may postpone; nothing where that is not allowed."""
    allowed = [
        record.mandatory_at if record.order.user.postpone else None
        for record in records
        if record.order.user.available
    ]
    moments = [moment for moment in allowed if moment is not None]
    return min(moments) if moments and len(moments) == len(allowed) else None


def _earliest(one: Optional[datetime], other: Optional[datetime]) -> Optional[datetime]:
    return None if one is None or other is None else min(one, other)


def _rest(windows: Windows, now: datetime) -> Optional[timedelta]:
    if windows.always:
        return timedelta.max
    rests = (end - now for begin, end in windows.restarts if begin <= now < end)
    return max(rests, default=None)
