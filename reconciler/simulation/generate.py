"""A fleet of a spec, in columns; the same spec and seed give the same fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.random import Generator
from pyroaring import BitMap

from reconciler.model.computers import CLASS_FACT
from reconciler.model.ids import sha256_hex, shard_position
from reconciler.model.messages import FactValue
from reconciler.model.updates import SEVERITY_WORDS, PackageFile, Update
from reconciler.observed.columns import NEVER, IntColumn, micros
from reconciler.observed.facts import FactColumn
from reconciler.observed.fleet import HALF_CIRCLE, Columns, Fleet
from reconciler.observed.order import Flags, Ordinals, array_of, bits_of
from reconciler.planning.windows import ZONE_FACT
from reconciler.simulation.behaviour import Behaviour, Presence, Rhythm
from reconciler.simulation.clockwork import Arrival
from reconciler.simulation.fleet_spec import FleetSpec, GroupSpec, Share, UpdateSpec

_MICROSECOND = timedelta(microseconds=1)
_RELEASE_FACT = "os.release"
_WEIGHTS = "weights"
_NO_FILE = "0" * 64


@dataclass(frozen=True, slots=True)
class Generated:
    """A fleet, what it is like, and the updates that come to it."""

    fleet: Fleet
    behaviour: Behaviour
    arrivals: tuple[Arrival, ...]


def generate(spec: FleetSpec, catalog: Sequence[Update], begin: datetime, seed: int) -> Generated:
    """Make everything; all computers enrol at the beginning and have not scanned yet."""
    chance = np.random.default_rng(seed)
    parts = _parts(spec)
    dead = np.concatenate([_some(group.dead, len(part), chance) for group, part in parts])
    fleet = _make_fleet(parts, begin, chance)
    updates = [*_invented(spec, begin), *_at_hand(spec, catalog)]
    return Generated(
        fleet=fleet,
        behaviour=_make_behaviour(spec, parts, dead, fleet, chance),
        arrivals=tuple(_arrivals(updates, fleet, begin, chance)),
    )


@dataclass(frozen=True, slots=True)
class _Coming:
    update: Update
    spec: UpdateSpec


def _parts(spec: FleetSpec) -> list[tuple[GroupSpec, Ordinals]]:
    ends = np.cumsum([group.count for group in spec.groups])
    return [
        (group, np.arange(end - group.count, end, dtype=np.uint32))
        for group, end in zip(spec.groups, ends, strict=True)
    ]


def _make_fleet(
    parts: Sequence[tuple[GroupSpec, Ordinals]], begin: datetime, chance: Generator
) -> Fleet:
    names = [f"{group.name}-{number + 1}" for group, part in parts for number in range(len(part))]
    ids = [sha256_hex(name.encode())[:32] for name in names]
    size = len(names)
    positions = np.array([shard_position(one) - HALF_CIRCLE for one in ids], dtype=np.int64)
    return Fleet(
        columns=Columns(
            ids=dict(enumerate(ids)),
            names=dict(enumerate(names)),
            enrolled=BitMap(range(size)),
            enrolled_at=IntColumn(np.full(size, micros(begin), dtype=np.int64)),
            last_contact_at=IntColumn(np.full(size, micros(begin), dtype=np.int64)),
            last_scan_at=IntColumn(np.full(size, NEVER, dtype=np.int64)),
            scan_version=IntColumn(np.zeros(size, dtype=np.int64)),
            shard_position=IntColumn(positions),
            facts=_make_facts(parts, size, chance),
        )
    )


def _make_facts(
    parts: Sequence[tuple[GroupSpec, Ordinals]], size: int, chance: Generator
) -> Mapping[str, FactColumn]:
    told: dict[str, tuple[list[FactValue], np.ndarray]] = {}
    for group, part in parts:
        zones = {_WEIGHTS: group.zones}
        facts = {**group.facts, CLASS_FACT: group.class_.value, ZONE_FACT: zones}
        for name, fact in sorted(facts.items()):
            values, codes = told.setdefault(name, ([], np.full(size, -1, dtype=np.int32)))
            drawn, chosen = _draw(fact, len(part), chance)
            codes[part] = np.array([_code(one, values) for one in drawn], dtype=np.int32)[chosen]
    return {name: FactColumn(values, codes) for name, (values, codes) in sorted(told.items())}


def _draw(
    fact: FactValue | Mapping[str, Mapping[str, int]], size: int, chance: Generator
) -> tuple[Sequence[FactValue], np.ndarray]:
    """Give the values that are possible, and which of them each computer has."""
    if not isinstance(fact, Mapping):
        return [fact], np.zeros(size, dtype=np.int64)
    weights = np.array([*fact[_WEIGHTS].values()], dtype=np.float64)
    return [*fact[_WEIGHTS]], chance.choice(len(weights), size, p=weights / weights.sum())


def _code(value: FactValue, values: list[FactValue]) -> int:
    for code, known in enumerate(values):
        if (type(known), known) == (type(value), value):
            return code
    values.append(value)
    return len(values) - 1


def _make_behaviour(
    spec: FleetSpec,
    parts: Sequence[tuple[GroupSpec, Ordinals]],
    dead: Flags,
    fleet: Fleet,
    chance: Generator,
) -> Behaviour:
    def spread(values: Iterator[float]) -> np.ndarray:
        return np.repeat(list(values), [len(part) for _, part in parts])

    groups = [group for group, _ in parts]
    failures = {f"{one.product}": float(one.failure) for one in spec.updates}
    restarts = {one.product for one in spec.updates if one.restart}
    other = float(spec.catalog.failure)
    return Behaviour(
        rhythms=tuple(_rhythms(parts, dead, fleet)),
        contact_every=spread(one.contact_every // _MICROSECOND for one in groups),
        run_median=spread(one.runs.median // _MICROSECOND for one in groups),
        run_sigma=spread(one.runs.sigma for one in groups).astype(np.float64),
        failure=spread(float(one.runs.failure) for one in groups).astype(np.float64),
        broken=np.concatenate(
            [_some(group.runs.broken, len(part), chance) for group, part in parts]
        ),
        update_failure=lambda update: failures.get(update.source, other),
        needs_restart=lambda update: update.source in restarts,
        content_delay=spec.content_delay,
    )


def _rhythms(
    parts: Sequence[tuple[GroupSpec, Ordinals]], dead: Flags, fleet: Fleet
) -> Iterator[Rhythm]:
    for group, part in parts:
        living = bits_of(part[~dead[part]])
        for zone in sorted(group.zones):
            members = array_of(BitMap(living & fleet.facts[ZONE_FACT].having(zone)))
            if len(members):
                yield Rhythm(group.online, ZoneInfo(zone), members)
    if dead.any():
        yield Rhythm(Presence.DEAD, ZoneInfo("UTC"), bits_array(dead))


def bits_array(flags: Flags) -> Ordinals:
    """Give the ordinals that are flagged."""
    return np.flatnonzero(flags).astype(np.uint32)


def _invented(spec: FleetSpec, begin: datetime) -> Iterator[tuple[datetime, _Coming]]:
    for one in spec.updates:
        at = begin + (one.arrives or timedelta(0))
        for number in range(one.count):
            name = one.product if one.count == 1 else f"{one.product}-{number + 1}"
            yield at, _Coming(_update(name, one, at), one)


def _update(name: str, spec: UpdateSpec, at: datetime) -> Update:
    return Update(
        id=f"sim:{name}",
        source=spec.product,
        product=name,
        version="1",
        release=spec.release,
        classification=spec.classification,
        packages=(PackageFile(name, "1", "all", f"{name}.deb", 1, _NO_FILE),),
        severity=SEVERITY_WORDS[spec.severity],
        released_at=at,
    )


def _at_hand(
    spec: FleetSpec, catalog: Sequence[Update]
) -> Iterator[tuple[datetime | None, _Coming]]:
    shares = spec.catalog
    alike = UpdateSpec(product="-", missing=shares.missing, installed=shares.installed)
    for update in catalog:
        yield None, _Coming(update, alike)


def _arrivals(
    coming: Sequence[tuple[datetime | None, _Coming]],
    fleet: Fleet,
    begin: datetime,
    chance: Generator,
) -> Iterator[Arrival]:
    moments = sorted({at or begin for at, _ in coming})
    for moment in moments:
        mine = [one for at, one in coming if (at or begin) == moment]
        yield Arrival(moment, tuple(_spread_over(one, fleet, chance) for one in mine))


def _spread_over(one: _Coming, fleet: Fleet, chance: Generator) -> tuple[Update, BitMap, BitMap]:
    """Draw who misses an update and who has it, among those whose system it is for."""
    systems = fleet.facts.get(_RELEASE_FACT)
    fitting = BitMap(fleet.enrolled)
    if one.update.release and systems is not None:
        fitting &= BitMap.union(BitMap(), *(systems.having(name) for name in one.update.release))
    ordinals = array_of(fitting)
    missing = _some(one.spec.missing, len(ordinals), chance)
    installed = ~missing & _some(one.spec.installed, len(ordinals), chance)
    return one.update, bits_of(ordinals[missing]), bits_of(ordinals[installed])


def _some(share: Share, size: int, chance: Generator) -> Flags:
    """Flag a share of so many, by chance."""
    if not share:
        return np.zeros(size, dtype=np.bool_)
    if share == 1:
        return np.ones(size, dtype=np.bool_)
    flags: Flags = chance.random(size) < float(share)
    return flags
