"""What a fleet's own history says of how it behaves, and what has to be assumed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.random import Generator
from pyroaring import BitMap

from reconciler.kinds.timezones import find_zone
from reconciler.model.computers import MachineClass
from reconciler.model.times import render_duration
from reconciler.model.updates import UpdateState
from reconciler.observed.catalog import Catalog
from reconciler.observed.columns import NEVER, micros
from reconciler.observed.fleet import Fleet
from reconciler.observed.order import Ints, Ordinals, array_of, bits_of
from reconciler.planning.scanning import machine_classes
from reconciler.planning.windows import ZONE_FACT
from reconciler.simulation.behaviour import Behaviour, Presence, Rhythm
from reconciler.simulation.estate import Estate
from reconciler.simulation.presence import sightings

SILENT_FOR = timedelta(days=7)
_ENOUGH = 20
_CONTACT, _LONGEST_CONTACT = timedelta(minutes=15), timedelta(days=1)
_RUN, _SIGMA, _WIDEST_SIGMA, _FAILURE = timedelta(minutes=5), 0.5, 2.0, 0.01
_CONTENT = timedelta(minutes=10)
_MICROSECOND = timedelta(microseconds=1)
_ON = {
    Presence.ALWAYS: "on at all times",
    Presence.WEEKDAYS: "on from Monday to Friday, day and night, in their zone",
    Presence.OFFICE_HOURS: "on 08:00 to 18:00, Monday to Friday, in their zone",
}
_RELEASE_FACT = "os.release"


@dataclass(frozen=True, slots=True)
class Assumption:
    """One parameter of the model, and what it rests on."""

    name: str
    value: str
    source: Literal["history", "default"]
    basis: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """How the fleet is taken to behave."""

    behaviour: Behaviour
    assumptions: tuple[Assumption, ...]


def estimate(estate: Estate, site_zone: ZoneInfo, now: datetime) -> Estimate:
    """Read the parameters from last contacts and recorded runs; defaults where these are few."""
    fleet, size = estate.fleet, estate.size
    living = fleet.enrolled & fleet.last_contact_at.at_least(micros(now - SILENT_FOR))
    classes = {kind: BitMap(who) & living for kind, who in machine_classes(fleet).items()}
    contact, told_contact = _contact_interval(estate, classes[MachineClass.SERVER], now)
    median, sigma, told_span = _run_times(fleet)
    failure, told_failure = _failures(fleet)
    desks = list(_desks(fleet, classes, site_zone))
    presence, told_presence = _presence(fleet, desks)
    gone = len(fleet.enrolled) - len(living)
    contact_every = np.full(size, _CONTACT // _MICROSECOND, dtype=np.int64)
    contact_every[array_of(classes[MachineClass.SERVER])] = contact // _MICROSECOND
    behaviour = Behaviour(
        rhythms=(
            Rhythm(Presence.ALWAYS, site_zone, array_of(classes[MachineClass.SERVER])),
            *(Rhythm(presence, zone, who) for zone, who in desks),
        ),
        contact_every=contact_every,
        run_median=np.full(size, median // _MICROSECOND, dtype=np.int64),
        run_sigma=np.full(size, sigma),
        failure=np.full(size, failure),
        broken=np.zeros(size, dtype=np.bool_),
        content_delay=_CONTENT,
    )
    days = render_duration(SILENT_FOR)
    return Estimate(
        behaviour,
        (
            told_contact,
            Assumption(
                "out of contact",
                f"{gone} computer(s) never call again",
                "history",
                f"no contact for {days}",
            ),
            Assumption("servers", "on at all times", "default", ""),
            told_presence,
            Assumption("users", "postpone until the deadline", "default", ""),
            *told_span,
            told_failure,
            Assumption(
                "restarts", "updates of products linux… and kernel… need one", "default", ""
            ),
            Assumption("content", f"captured in {render_duration(_CONTENT)}", "default", ""),
        ),
    )


def spread_unjudged(estate: Estate, catalog: Catalog, chance: Generator) -> Assumption:
    """Draw who misses the updates that no scan of theirs knew yet, in the share of the others."""
    fleet, drawn = estate.fleet, 0
    systems = fleet.facts.get(_RELEASE_FACT)
    for name in sorted(catalog.entries):
        entry = catalog.entries[name]
        knew = fleet.enrolled & fleet.scan_version.at_least(entry.since)
        left = fleet.enrolled - knew
        if entry.update.release and systems is not None:
            fitting = BitMap.union(
                BitMap(), *(systems.having(system) for system in entry.update.release)
            )
            left, knew = left & fitting, knew & fitting
        if entry.withdrawn or not left:
            continue
        missing = fleet.in_state(UpdateState.MISSING, name)
        share = len(missing & knew) / len(knew) if knew else 1.0
        ordinals = array_of(left)
        chosen = bits_of(ordinals[chance.random(len(ordinals)) < share])
        estate.truth.begin(name, chosen, BitMap())
        drawn += len(left)
    return Assumption(
        "updates not scanned for yet",
        f"{drawn} (computer, update) pairs, missing in the share of the others",
        "history",
        "all miss what nobody has scanned for",
    )


def _contact_interval(
    estate: Estate, servers: BitMap, now: datetime
) -> tuple[timedelta, Assumption]:
    """The last contact of one that calls every so often is, at the median, half of that ago."""
    ages: Ints = micros(now) - estate.contact_at[array_of(servers)]
    if len(ages) < _ENOUGH:
        return _CONTACT, _default("contact interval", render_duration(_CONTACT), len(ages))
    found = timedelta(microseconds=int(2 * np.median(ages)))
    kept = min(max(found, timedelta(seconds=1)), _LONGEST_CONTACT)
    whole = timedelta(seconds=int(kept.total_seconds()))
    basis = f"the last contacts of {len(ages)} servers"
    return whole, Assumption("contact interval", render_duration(whole), "history", basis)


def _run_times(fleet: Fleet) -> tuple[timedelta, float, list[Assumption]]:
    """Give the median of recorded runs and how far their logarithms spread."""
    parts = [instants for _, instants in (runs.encoded() for runs in fleet.runs.values())]
    both = np.concatenate([np.empty((2, 0), np.int64), *parts], axis=1)
    began, ended = both
    spans = (ended - began)[(ended != NEVER) & (ended > began)]
    if len(spans) < _ENOUGH:
        told = _default("run time", f"{render_duration(_RUN)} at the median", len(spans))
        return _RUN, _SIGMA, [told]
    median = timedelta(seconds=max(1, int(np.median(spans)) // 1_000_000))
    sigma = min(float(np.std(np.log(spans))), _WIDEST_SIGMA)
    value = f"{render_duration(median)} at the median"
    return median, sigma, [Assumption("run time", value, "history", f"{len(spans)} runs")]


def _failures(fleet: Fleet) -> tuple[float, Assumption]:
    ended = failed = 0
    for runs in fleet.runs.values():
        _, instants = runs.encoded()
        ended += int(np.count_nonzero(instants[1] != NEVER))
        failed += len(runs.failed)
    if ended < _ENOUGH:
        return _FAILURE, _default("failing runs", f"{_FAILURE:.1%}", ended)
    share = failed / ended
    return share, Assumption("failing runs", f"{share:.1%}", "history", f"{ended} runs")


def _default(name: str, value: str, seen: int) -> Assumption:
    return Assumption(name, value, "default", f"only {seen} seen, which is too few")


def _desks(
    fleet: Fleet, classes: dict[MachineClass, BitMap], site_zone: ZoneInfo
) -> Iterator[tuple[ZoneInfo, Ordinals]]:
    """Split the computers with users by their zones."""
    rest = classes[MachineClass.WORKSTATION] | classes[MachineClass.PORTABLE]
    column = fleet.facts.get(ZONE_FACT)
    for name in sorted(column.texts()) if column is not None else ():
        zone = find_zone(name)
        mine = rest & column.having(name) if column is not None else BitMap()
        if zone is not None and mine:
            rest -= mine
            yield zone, array_of(BitMap(mine))
    yield site_zone, array_of(rest)


def _presence(fleet: Fleet, desks: list[tuple[ZoneInfo, Ordinals]]) -> tuple[Presence, Assumption]:
    seen = sightings(fleet, desks)
    name, presence = "workstations and portables", seen.presence
    if presence is None:
        return Presence.OFFICE_HOURS, _default(name, _ON[Presence.OFFICE_HOURS], seen.all)
    basis = f"{seen.all} contacts, scans and runs"
    return presence, Assumption(name, _ON[presence], "history", basis)
