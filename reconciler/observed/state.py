"""All that a plan may look at beside the manifests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.permits import Permit
from reconciler.observed.catalog import Catalog
from reconciler.observed.fleet import Fleet
from reconciler.observed.memory import Memory


@dataclass(frozen=True, slots=True)
class ObservedState:
    """The newest complete evidence, and what is remembered.

    `latest_transition` is the newest instant that any record holds: a plan never runs before it
    (S1). `fresh` is false when a read was failed or partial: nothing is retired then (S29).
    `permits` are those in force (S19).
    """

    fleet: Fleet
    catalog: Catalog
    memory: Memory
    latest_transition: datetime | None = None
    fresh: bool = True
    permits: tuple[Permit, ...] = ()
