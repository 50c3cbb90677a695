"""Who waits for the update sources to be read at once (S21, I5)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from reconciler.model.drills import DrillRecord, DrillState
from reconciler.model.emergencies import EmergencyRecord, EmergencyState


def sync_asked_at(
    emergencies: Iterable[EmergencyRecord], drills: Iterable[DrillRecord]
) -> datetime | None:
    """Give since when an emergency or a drill waits for a read of all sources."""
    waiting = [one.steps[-1].at for one in emergencies if one.state is EmergencyState.SYNCING]
    waiting += [one.steps[-1].at for one in drills if one.state is DrillState.SYNCING]
    return max(waiting, default=None)
