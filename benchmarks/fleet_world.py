"""A generated site for the benchmarks: manifests as YAML, and a fleet in columns.

The same seed and sizes give the same site. An update applies to a tenth of the fleet: 60 % of
those have it installed, 5 % miss it. Rollouts stand in several states: nothing opened, one phase
open, several passed, soaking, halted.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from pyroaring import BitMap

from reconciler.desired.link import link
from reconciler.desired.state import DesiredState
from reconciler.engine.evidence import after_batch
from reconciler.model.computers import Computer, Run, RunOutcome
from reconciler.model.ids import shard_position
from reconciler.model.messages import Batch, ScanOutcome, ScanReport
from reconciler.model.updates import (
    CatalogEntry,
    PackageFile,
    Update,
    UpdateSeverity,
    UpdateState,
)
from reconciler.observed.catalog import Catalog
from reconciler.observed.columns import NEVER, IntColumn, instant, micros
from reconciler.observed.facts import FactColumn
from reconciler.observed.fleet import HALF_CIRCLE, Columns, Fleet
from reconciler.observed.memory import TABLES, Memory, key_of
from reconciler.observed.runs import RunColumn
from reconciler.observed.state import ObservedState
from reconciler.planning.actions import DROPS
from reconciler.planning.plan import Plan, make_plan
from reconciler.planning.world import SiteIdentity
from reconciler.source.load import load_manifests

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
BEGUN = NOW - timedelta(days=2)
SITE = SiteIdentity("main", "PWR", "main")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC")
HEAD = "apiVersion: patchwright.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n"
APPLIES, INSTALLED, MISSING, WAITING, UNREPORTED = 0.1, 0.6, 0.05, 0.002, 0.0005
_RINGS = ("reference", "pilot", "broad", "rest")
_RING_SHARES = (0.01, 0.09, 0.4, 0.5)
_DAY = 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the site is."""

    computers: int = 1_000_000
    updates: int = 2_000
    collections: int = 200
    rollouts: int = 50
    group: int = 200
    seed: int = 1


def make_desired(sizes: Sizes) -> DesiredState:
    """Link the generated manifests."""
    texts = "---\n".join(_documents(sizes))
    desired, problems = link(load_manifests({"site.yaml": texts.encode()}, "c" * 40), BEGUN)
    assert desired is not None, [str(one) for one in problems if one.is_error][:5]
    return desired


def make_catalog(sizes: Sizes) -> Catalog:
    """Give the updates; every tenth supersedes the one before it."""
    return Catalog(1, {update_id(n): _entry(n) for n in range(sizes.updates)})


def update_id(number: int) -> str:
    """Give the id of an update."""
    return f"deb:Debian/bookworm-security/source-{number:04d}/1.{number}-1"


def make_fleet(sizes: Sizes) -> Fleet:
    """Give the computers, all enrolled, nearly all in contact."""
    size, draw = sizes.computers, np.random.default_rng(sizes.seed)
    now = micros(NOW)
    contact = now - draw.integers(0, _DAY // 96, size)
    silent = draw.random(size) < 0.05
    contact[silent] = now - draw.integers(0, 30 * _DAY, int(silent.sum()))
    scans = np.minimum(now - draw.integers(0, _DAY // 2, size), contact)
    ids = [f"{number:032x}" for number in range(size)]
    positions = (shard_position(one) - HALF_CIRCLE for one in ids)
    columns = Columns(
        ids=dict(enumerate(ids)),
        names={number: f"c{number:07d}" for number in range(size)},
        enrolled=BitMap(range(size)),
        enrolled_at=IntColumn(now - draw.integers(40 * _DAY, 400 * _DAY, size)),
        last_contact_at=IntColumn(contact),
        last_scan_at=IntColumn(scans),
        scan_version=IntColumn(np.ones(size, dtype=np.int64)),
        shard_position=IntColumn(np.fromiter(positions, np.int64, size)),
        facts=_facts(size, draw),
        states=_states(sizes, draw),
        runs={f"r{n:02d}/1": _runs(size, draw) for n in range(sizes.rollouts)},
    )
    return Fleet(columns=columns)


def make_memory(desired: DesiredState, catalog: Catalog, fleet: Fleet) -> Memory:
    """Plan and remember until nothing is left to do: two days ago, and now."""
    memory = Memory()
    for moment in (BEGUN, NOW):
        for _ in range(20):
            observed = ObservedState(fleet, catalog, memory, memory.latest_transition())
            plan = make_plan(desired, observed, SITE, moment)
            if not plan.actions:
                break
            memory = remember(memory, plan)
    return memory


def remember(memory: Memory, plan: Plan) -> Memory:
    """Give what is remembered once the plan's actions are done."""
    tables = {name: dict(getattr(memory, name)) for name in TABLES.values()}
    for action in plan.actions:
        table = tables[TABLES[type(action.record)]]
        if action.verb in DROPS:
            table.pop(key_of(action.record), None)
        else:
            table[key_of(action.record)] = action.record
    taken = len(tables["packages"]) + len(tables["advertisements"])
    return replace(memory, **tables, next_number=max(memory.next_number, taken + 1))


def computer_of(fleet: Fleet, ordinal: int, states: Mapping[str, UpdateState]) -> Computer:
    """Give the record of a computer, as of its last contact."""
    facts = {name: column.value_of(ordinal) for name, column in fleet.facts.items()}
    return Computer(
        id=fleet.ids[ordinal],
        ordinal=ordinal,
        name=fleet.names[ordinal],
        enrolled_at=instant(fleet.enrolled_at[ordinal]),
        last_contact_at=instant(fleet.last_contact_at[ordinal]),
        last_scan_at=instant(fleet.last_scan_at[ordinal]),
        scan_version=fleet.scan_version[ordinal],
        facts={name: value for name, value in facts.items() if value is not None},
        states=dict(states),
        runs=dict(_runs_of(fleet, ordinal)),
    )


def scan_of(fleet: Fleet, ordinal: int) -> tuple[Computer, Batch]:
    """Give a computer's record, and what it sends of a scan that found an update installed."""
    states = {
        update: state
        for state, by_update in fleet.states.items()
        for update, bits in by_update.items()
        if ordinal in bits
    }
    missing = [update for update, state in states.items() if state is UpdateState.MISSING]
    changes = dict.fromkeys(missing[:1], UpdateState.INSTALLED)
    scan = ScanReport(NOW, NOW, ScanOutcome.COMPLETED, 1, changes)
    batch = Batch(fleet.ids[ordinal], 1, 1, full=False, sent_at=NOW, scan=scan)
    return replace(computer_of(fleet, ordinal, states), last_contact_at=NOW), batch


def after_scan(fleet: Fleet, ordinal: int) -> Computer:
    """Give a computer's record after the scan of `scan_of`."""
    return after_batch(*scan_of(fleet, ordinal), NOW, 1)


def _runs_of(fleet: Fleet, ordinal: int) -> Iterator[tuple[str, Run]]:
    for key, column in fleet.runs.items():
        began, ended = column.began_at[ordinal], column.ended_at[ordinal]
        if began == NEVER:
            continue
        outcome = RunOutcome.FAILED if ordinal in column.failed else RunOutcome.SUCCEEDED
        rollout, _, release = key.partition("/")
        ended_at = None if ended == NEVER else instant(ended)
        yield key, Run(rollout, int(release), outcome, instant(began), ended_at)


def _documents(sizes: Sizes) -> Iterator[str]:
    draw = random.Random(sizes.seed)  # noqa: S311  # repeatable, not secret
    yield HEAD.format(kind="Site", name="main") + "  code: PWR\n  mode: enforce\n"
    yield HEAD.format(kind="ScanPolicy", name="all") + "  collection: everybody\n"
    yield _collection("everybody", "{all: true}")
    windowed = min(10, sizes.collections // 4)
    for number in range(windowed):
        named = f"[{', '.join(f'l{place:02d}' for place in range(number, 40, windowed))}]"
        day = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[number % 7]
        window = (
            f'  maintenanceWindows:\n    - {{name: night, recurrence: "FREQ=WEEKLY;BYDAY={day}",'
            ' start: "22:00", duration: 6h, timezone: local, for: all}\n'
        )
        query = f"{{fact: location, op: In, values: {named}}}"
        yield _collection(f"windowed-{number}", query) + window
    rest = sizes.collections - windowed - 1
    for number in range(rest):
        yield _collection(f"ring-{number}", _query(_RINGS[number % 4], number // 4))
    for number in range(sizes.rollouts):
        yield from _rollout(number, rest // 4, sizes, draw)


def _collection(name: str, query: str) -> str:
    return HEAD.format(kind="Collection", name=name) + f"  query: {query}\n"


def _query(ring: str, number: int) -> str:
    """Give queries of several forms; the last ring is everybody but one role or a shard."""
    fact = f"{{fact: ring, op: In, values: [{ring}]}}"
    role = f"{{fact: role, op: In, values: [role{number % 20}]}}"
    if ring == "rest":
        return [
            f"{{not: {role}}}",
            f"{{allOf: [{{collection: everybody}}, {{shard: {{of: 20, in: {list(range(19))}}}}}]}}",
            "{fact: os.family, op: In, values: [debian]}",
        ][number % 3]
    return [
        fact,
        f"{{allOf: [{fact}, {{not: {role}}}]}}",
        f"{{anyOf: [{fact}, {{allOf: [{role}, {{fact: memory, op: Ge, values: [64]}}]}}]}}",
        f"{{allOf: [{fact}, {{not: {{lastScan: {{olderThan: 7d}}}}}}]}}",
        f'{{allOf: [{fact}, {{fact: kernel, op: VersionGe, values: ["6.1.{number % 50}"]}}]}}',
    ][number % 5]


def _rollout(number: int, variants: int, sizes: Sizes, draw: random.Random) -> Iterator[str]:
    """Give a group, its authorization and its rollout; every fifth stands in another state."""
    name = f"r{number:02d}"
    chosen = sorted(draw.sample(range(sizes.updates), min(sizes.group, sizes.updates)))
    if number % 2:
        listed = ", ".join(f'"{update_id(one)}"' for one in chosen)
        group = f"  type: rollup\n  updates: [{listed}]\n"
    else:
        products = ", ".join(f"source-{one:04d}" for one in chosen)
        group = f"  type: rollup\n  query: {{product: [{products}], classification: [security]}}\n"
    yield HEAD.format(kind="UpdateGroup", name=name) + group
    yield HEAD.format(kind="Authorization", name=name) + f"  group: {name}\n"
    passed = number % 5
    lines = [f"  authorization: {name}", "  phases:"]
    for place in range(4):
        # A ratio that every phase of this density meets, or one that none does.
        success, soak = ("1%", "0s") if place < passed else ("99.9%", "1d")
        if place == passed and number % 3 == 0:
            success, soak = "1%", "7d"
        collection = f"ring-{4 * (number % variants) + place}"
        halt = "1%" if number % 10 == 8 and place == passed else "60%"
        lines.append(
            f"    - {{name: p{place}, collection: {collection}, deadline: 7d, grace: 1d,"
            f" gate: {{success: {success}, soak: {soak}, unreachableAfter: {5 + number % 3}d,"
            f" within: 14d}}, halt: {{failures: {halt}, minReported: 5}}}}"
        )
    yield HEAD.format(kind="Rollout", name=name) + "\n".join([*lines, ""])


def _entry(number: int) -> CatalogEntry:
    version = f"1.{number}-1"
    package = PackageFile(f"package-{number:04d}", version, "amd64", "pool/p.deb", 1, "0" * 64)
    update = Update(
        id=update_id(number),
        source="debian",
        product=f"source-{number:04d}",
        version=version,
        release=("debian-12",),
        classification="security",
        packages=(package,),
        severity=UpdateSeverity.IMPORTANT,
        supersedes=(update_id(number - 1),) if number % 10 == 9 else (),
    )
    return CatalogEntry(update, 1, 1, BEGUN - timedelta(days=30))


def _facts(size: int, draw: np.random.Generator) -> dict[str, FactColumn]:
    rings = draw.choice(4, size, p=_RING_SHARES)
    classes = draw.choice(3, size, p=(0.9, 0.07, 0.03))

    def column(values: list[object], codes: object) -> FactColumn:
        return FactColumn(values, np.asarray(codes).astype(np.int32))

    return {
        "ring": column(list(_RINGS), rings),
        "class": column(["server", "workstation", "portable"], classes),
        "os.family": column(["debian"], np.zeros(size)),
        "os.release": column(["debian-12"], np.zeros(size)),
        "arch": column(["amd64"], np.zeros(size)),
        "timezone": column(list(ZONES), draw.integers(0, 4, size)),
        "location": column([f"l{n:02d}" for n in range(40)], draw.integers(0, 40, size)),
        "role": column([f"role{n}" for n in range(20)], draw.integers(0, 20, size)),
        "memory": column([2**n for n in range(10)], draw.integers(0, 10, size)),
        "kernel": column([f"6.1.{n}-1" for n in range(200)], draw.integers(0, 200, size)),
        "serial": column([f"S{n:08d}" for n in range(size)], np.arange(size)),
    }


def _states(sizes: Sizes, draw: np.random.Generator) -> dict[UpdateState, dict[str, BitMap]]:
    """Draw for each update a tenth of the fleet, and among it who is in which state."""
    bounds = np.cumsum((MISSING, INSTALLED, WAITING, UNREPORTED))
    kinds = (
        UpdateState.MISSING,
        UpdateState.INSTALLED,
        UpdateState.PENDING_RESTART,
        UpdateState.UNKNOWN,
    )
    states: dict[UpdateState, dict[str, BitMap]] = {kind: {} for kind in kinds}
    for number in range(sizes.updates):
        applies = np.flatnonzero(draw.random(sizes.computers, dtype=np.float32) < APPLIES)
        drawn = np.searchsorted(bounds, draw.random(len(applies), dtype=np.float32), side="right")
        for place, kind in enumerate(kinds):
            states[kind][update_id(number)] = BitMap(applies[drawn == place].astype(np.uint32))
    return states


def _runs(size: int, draw: np.random.Generator) -> RunColumn:
    """A fifth of the fleet ran the release since it began: 2 % failed, 1 % go on."""
    ordinals = np.flatnonzero(draw.random(size) < 0.2).astype(np.uint32)
    began = micros(BEGUN) + draw.integers(1, 2 * _DAY, len(ordinals))
    ended = np.where(draw.random(len(ordinals)) < 0.01, NEVER, began + _DAY // 100)
    failed = BitMap(ordinals[draw.random(len(ordinals)) < 0.02])
    return RunColumn(ordinals, np.stack([began, ended]), failed)
