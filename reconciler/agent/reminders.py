"""When the computer's user is reminded of what waits for a deadline (G4, S17): pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Optional

from reconciler.agent.memory import Memory
from reconciler.model.orders import Reminder
from reconciler.model.policy import Offer


def reminder_at(
    offer: Offer, memory: Memory, now: datetime
) -> tuple[Optional[datetime], Optional[datetime]]:
    """Give the reminder that is due and was not given, and when the next one is due.

    Of several that were missed only the last is given. A user who postponed is left alone until
    then.
    """
    if offer.mandatory_at is None or not offer.order.user.available or now >= offer.mandatory_at:
        return None, None
    found = [_around(one, offer.mandatory_at, now) for one in offer.order.user.reminders]
    past = max((last for last, _ in found if last is not None), default=None)
    ahead = min((following for _, following in found if following is not None), default=None)
    choice = memory.choices.get(offer.advertisement)
    if choice is not None and choice.postponed_until is not None and now < choice.postponed_until:
        return None, choice.postponed_until if past or ahead else None
    given = memory.reminded.get(offer.advertisement)
    return (past if past is not None and (given is None or given < past) else None), ahead


def _around(
    reminder: Reminder, deadline: datetime, now: datetime
) -> tuple[Optional[datetime], Optional[datetime]]:
    """Give a reminder's last moment up to now, and the first one after, before the deadline."""
    last: Optional[datetime] = None
    for moment in _moments(reminder, deadline, now):
        if moment > now:
            return last, moment if moment < deadline else None
        last = moment
    return last, None


def _moments(reminder: Reminder, deadline: datetime, now: datetime) -> Iterator[datetime]:
    first = deadline - reminder.before
    yield first
    if reminder.every is None:
        return
    passed = max(0, (now - first) // reminder.every)
    yield first + passed * reminder.every
    yield first + (passed + 1) * reminder.every
