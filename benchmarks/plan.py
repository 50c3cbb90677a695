"""Time a full plan of a large site, and the plans after it, when little or nothing changed.

The site is that of fleet_world.py. `full` begins with columns alone, as after a start: no order of
instants, no bitmap of a fact, nothing kept. `bare` are the plan's set operations alone, on bitmaps
that stand ready: the unions of every release, and the cuts and sizes for every phase. The plans
after it use what is kept: after nothing; after one scan of one computer, taken in as the engine
does; and 60 seconds later. Of several the median is given, and the slowest.
Each size is built in one process, and planned in another that reads the fleet from a file as a
start does, so that its peak of memory is that of planning.
Run: .venv/bin/python benchmarks/plan.py
"""

from __future__ import annotations

import argparse
import gc
import json
import pickle
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from fleet_world import (
    NOW,
    SITE,
    Sizes,
    make_catalog,
    make_desired,
    make_fleet,
    make_memory,
    scan_of,
)
from pyroaring import BitMap

from reconciler.desired.state import DesiredState
from reconciler.engine.evidence import after_batch
from reconciler.model.rollouts import Release
from reconciler.model.updates import UpdateState
from reconciler.observed.checkpoint import Part, decode_fleet, encode_fleet
from reconciler.observed.columns import micros
from reconciler.observed.memo import Memo
from reconciler.observed.memory import TABLES, Memory
from reconciler.observed.state import ObservedState
from reconciler.planning.collections import Collections
from reconciler.planning.plan import Plan, make_plan

BARS = {
    "fullSeconds": 2.0,
    "timesBare": 5.0,
    "messageSeconds": 0.05,
    "nothingSeconds": 0.05,
    "minuteSeconds": 0.1,
    "peakMib": 3072,
}
GROWTH = (10_000, 100_000, 1_000_000)


def timed(work: Callable[[], object]) -> float:
    """Give the processor's seconds, which other programs on the machine change least."""
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def build(path: Path, sizes: Sizes) -> None:
    """Write what is remembered, and the columns of the fleet."""
    desired, catalog, fleet = make_desired(sizes), make_catalog(sizes), make_fleet(sizes)
    memory = make_memory(desired, catalog, fleet)
    with path.open("wb") as file:
        pickle.dump({name: dict(getattr(memory, name)) for name in TABLES.values()}, file)
        for part in encode_fleet(fleet):
            pickle.dump(part, file)


def _parts(file: BinaryIO) -> Iterator[Part]:
    with suppress(EOFError):
        while True:
            yield pickle.load(file)  # noqa: S301  # written by this very program


def measure(path: Path, sizes: Sizes, rounds: int) -> dict[str, object]:
    """Give the figures of one size."""
    desired, catalog = make_desired(sizes), make_catalog(sizes)
    with path.open("rb") as file:
        memory = Memory(**pickle.load(file))  # noqa: S301  # written by this very program
        fleet = decode_fleet(_parts(file))
    observed = ObservedState(fleet, catalog, memory, memory.latest_transition())
    memo, plans = Memo(), list[Plan]()

    def plan(now: datetime = NOW) -> None:
        plans.append(make_plan(desired, observed, SITE, now, memo))

    full = timed(plan)
    assert not plans[0].actions, "the world was to be one in which all is done"
    nothing = [timed(plan) for _ in range(rounds)]
    scans = [scan_of(fleet, ordinal) for ordinal in range(rounds)]
    messages = [
        timed(lambda scan=scan: (fleet.keep(after_batch(*scan, NOW, 1)), plan())) for scan in scans
    ]
    later = [timed(lambda n=n: plan(NOW + n * timedelta(seconds=60))) for n in range(1, rounds + 1)]
    peak = _peak_mib()
    bare = Bare(desired, observed)
    bare_seconds = min(timed(bare.run) for _ in range(3))
    figures = {
        "fullSeconds": full,
        "bareSeconds": bare_seconds,
        "timesBare": full / bare_seconds,
        "messageSeconds": statistics.median(messages),
        "messageSlowest": max(messages),
        "nothingSeconds": statistics.median(nothing),
        "nothingSlowest": max(nothing),
        "minuteSeconds": statistics.median(later),
        "minuteSlowest": max(later),
        "minuteActions": [len(one.actions) for one in plans[-rounds:]],
        "phases": len(plans[0].counts),
        "states": sorted({count.state.value for count in plans[0].counts}),
        "windowClasses": len(plans[0].guidance.windows),
        "peakMib": peak,
    }
    return {**asdict(sizes), **figures}


def _peak_mib() -> int:
    """Give the most memory of this program alone; other counts begin before it was started."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


@dataclass
class BarePhase:
    """What the set operations of one phase begin with; of a pending one only the first."""

    members: BitMap
    before: BitMap
    scanned: BitMap
    ended: BitMap
    heard: BitMap
    began: BitMap
    failed: BitMap
    is_open: bool


class Bare:
    """The plan's set operations, once each, on bitmaps that stand ready."""

    def __init__(self, desired: DesiredState, observed: ObservedState) -> None:
        fleet = self.fleet = observed.fleet
        memo = Memo.of(fleet, NOW)
        collections = Collections(desired, observed, SITE.name, memo)
        self.members = {name: BitMap(collections.members(name)) for name in desired.collections}
        self.superseders = observed.catalog.superseders
        self.recent = fleet.last_scan_at.at_least(micros(NOW - timedelta(days=1)))
        self.windowed = [
            self.members[name]
            for name, one in desired.collections.items()
            if one.document.spec.maintenance_windows is not None
        ]
        zones = fleet.facts["timezone"]
        self.zones = [BitMap(zones.having(zone)) for zone in zones.texts()]
        self.releases = [
            (release.ids, [self._phase(desired, observed, release, n) for n in range(4)])
            for release in observed.memory.releases.values()
        ]

    def _phase(
        self, desired: DesiredState, observed: ObservedState, release: Release, number: int
    ) -> BarePhase:
        phase = desired.rollouts[release.rollout].document.spec.phases[number]
        key = (release.rollout, release.number, phase.name)
        record, fleet = observed.memory.phases.get(key), self.fleet
        runs = fleet.runs_of(f"{release.rollout}/{release.number}")
        opened = micros(record.opened_at if record else NOW)
        silent = phase.gate.unreachable_after if phase.gate else None
        heard = micros(NOW - (silent or timedelta(days=7)))
        return BarePhase(
            members=self.members[phase.collection],
            before=BitMap(observed.memory.memberships[key].members) if record else BitMap(),
            scanned=fleet.last_scan_at.above(opened),
            ended=runs.ended_at.above(opened),
            heard=fleet.last_contact_at.above(heard),
            began=runs.began_at.at_least(micros(release.cut_at)),
            failed=runs.failed,
            is_open=record is not None,
        )

    def run(self) -> int:
        """Do them all; give a sum of sizes, so that none is for nothing."""
        total = sum(len(members & self.fleet.enrolled) for members in self.members.values())
        total += self._classes()
        for ids, phases in self.releases:
            missing, unknown, pending = (
                self._union(state, ids)
                for state in (
                    UpdateState.MISSING,
                    UpdateState.UNKNOWN,
                    UpdateState.PENDING_RESTART,
                )
            )
            judged = self.fleet.enrolled & self.recent
            missing &= judged
            rest = judged - missing - unknown
            pending &= rest
            total += self._phases(phases, missing, pending, rest - pending)
        return total

    def _union(self, state: UpdateState, ids: tuple[str, ...]) -> BitMap:
        installed = self.fleet.states[UpdateState.INSTALLED]
        found = []
        for update in ids:
            bits = self.fleet.states[state][update]
            for newer in self.superseders.get(update, ()):
                bits = bits - installed[newer]
            found.append(bits)
        return BitMap.union(*found)

    def _classes(self) -> int:
        classes = [BitMap(self.fleet.enrolled)]
        for members in self.windowed:
            split = [part for who in classes for part in (who - members, who & members)]
            classes = [who for who in split if who]
        return sum(len(who & zone) for who in classes for zone in self.zones)

    @staticmethod
    def _phases(
        phases: list[BarePhase], missing: BitMap, pending: BitMap, compliant: BitMap
    ) -> int:
        has = [phase.members & phase.before for phase in phases]
        settled = BitMap.union(*has)
        claimed, total = BitMap(), 0
        for number, phase in enumerate(phases):
            target = phase.members - settled
            if phase.is_open:
                target |= phase.members & BitMap.union(*has[number:])
            target -= claimed
            claimed |= target
            parts = [target & missing, target & pending, target & compliant]
            parts.append(target - parts[0] - parts[1] - parts[2])
            if phase.is_open:
                silent = target - phase.heard
                lost = phase.began & silent
                evidence = (phase.scanned | phase.ended) & target
                answered = evidence - parts[3]
                counted = target - (silent - lost)
                finished = phase.ended & target
                parts += [counted, counted & answered, counted & parts[2], answered | finished]
                parts += [(phase.failed & finished) - parts[2]]
            total += sum(map(len, parts))
        return total


def main() -> int:
    """Print the figures as JSON; exit 1 where a bar is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--computers", type=int, nargs="+", default=GROWTH)
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--rollouts", type=int, default=50)
    parser.add_argument("--collections", type=int, default=200)
    parser.add_argument("--group", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", type=Path, help="only write the site of the first size here")
    parser.add_argument("--site", type=Path, help="only measure this one, built before")
    asked = parser.parse_args()
    sizes = Sizes(
        asked.computers[0],
        asked.updates,
        asked.collections,
        asked.rollouts,
        asked.group,
        asked.seed,
    )
    if asked.build is not None:
        build(asked.build, sizes)
        return 0
    if asked.site is not None:
        print(json.dumps(measure(asked.site, sizes, asked.rounds)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        cases = [_in_processes(size, Path(folder) / "site", asked) for size in asked.computers]
    largest = cases[-1]
    kept = {name: largest[name] <= bar for name, bar in BARS.items()}
    figures = {"cases": cases, "bars": BARS, "withinBars": kept}
    print(json.dumps({**figures, "python": platform.python_version()}, indent=2))
    return 0 if all(kept.values()) else 1


def _in_processes(computers: int, site: Path, asked: argparse.Namespace) -> dict[str, Any]:
    options = [
        f"--{name}={getattr(asked, name)}"
        for name in ("updates", "rollouts", "collections", "group", "rounds", "seed")
    ]
    command = [sys.executable, __file__, f"--computers={computers}", *options]
    subprocess.run([*command, f"--build={site}"], check=True)
    measured = [*command, f"--site={site}"]
    done = subprocess.run(measured, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    sys.exit(main())
