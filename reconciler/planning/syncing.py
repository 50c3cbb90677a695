"""The first steps of emergencies and drills: sources are read, points have content (S21, I5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from reconciler.model.drills import DrillRecord, DrillState
from reconciler.model.emergencies import EmergencyRecord, EmergencyState
from reconciler.model.objects import ContentState
from reconciler.observed.catalog import Catalog


def sync_asked_at(
    emergencies: Iterable[EmergencyRecord], drills: Iterable[DrillRecord]
) -> datetime | None:
    """Give since when an emergency or a drill waits for a read of all sources."""
    waiting = [one.steps[-1].at for one in emergencies if one.state is EmergencyState.SYNCING]
    waiting += [one.steps[-1].at for one in drills if one.state is DrillState.SYNCING]
    return max(waiting, default=None)


def are_read_since(catalog: Catalog, sources: Iterable[str], since: datetime) -> bool:
    """Tell whether every one of the sources was read whole at the instant or later (D4, step 1)."""
    known = (catalog.sources.get(name) for name in sources)
    fetched = (one.fetched_at if one is not None else None for one in known)
    return all(at is not None and at >= since for at in fetched)


def told_staged(states: Collection[ContentState]) -> str:
    """Say that every point has confirmed the content; nothing where one has not (D4, step 2)."""
    if not states or any(state is not ContentState.DONE for state in states):
        return ""
    return f"{len(states)} distribution point(s) hold it"
