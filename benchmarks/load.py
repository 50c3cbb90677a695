"""Time the start of the engine on a large site: the observed state from SQLite.

The site is that of fleet_world.py, with a checkpoint of the fleet. Since then one computer in a
hundred was saved again and every one was in contact, which is what a start has to take in on top.
Other computers' rows, which no start from a checkpoint reads, hold their facts without the states
of updates; `--whole` writes those too, which takes minutes. Then whole passes of the engine are
timed: after nothing, which must write nothing, and after one state message. Seconds are the
processor's, which other programs change least; `Waited` are those by the clock.
Run: .venv/bin/python benchmarks/load.py
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from fleet_world import (
    NOW,
    SITE,
    Sizes,
    after_scan,
    computer_of,
    make_catalog,
    make_desired,
    make_fleet,
    make_memory,
)
from pyroaring import BitMap

from reconciler.engine.desire import Desire
from reconciler.engine.observer import Observer, write_checkpoint
from reconciler.engine.passes import Reconciler
from reconciler.model.codec import encode
from reconciler.model.updates import UpdateState
from reconciler.observed.columns import micros
from reconciler.observed.fleet import Fleet
from reconciler.observed.memory import TABLES
from reconciler.store import Store
from reconciler.store.rows import pack

T = TypeVar("T")
BARS = {"loadSeconds": 20.0, "peakMib": 3072}
TAIL_SHARE = 100
INSERT_COMPUTER = "INSERT INTO computer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
AT_ONCE = 5000


class Stopped:
    """A clock that stands still, so that passes differ by what happened alone."""

    @staticmethod
    def now() -> datetime:
        """Give the one instant."""
        return NOW


def build(path: Path, sizes: Sizes, *, whole: bool) -> None:
    """Write the site's database."""
    desired, catalog, fleet = make_desired(sizes), make_catalog(sizes), make_fleet(sizes)
    memory = make_memory(desired, catalog, fleet)
    store = Store(path)
    store.migrate()
    with store.write() as work:
        fence = work.lease.acquire("engine", timedelta(minutes=1), NOW)
        work.catalog.merge("debian", [one.update for one in catalog.entries.values()], NOW)
        for table in TABLES.values():
            for record in getattr(memory, table).values():
                work.records.put(record)
    _write_rows(path, fleet, sizes.computers, whole=whole)
    with store.read() as view:
        change = view.change()
    write_checkpoint(store, fence, fleet, change)
    for begin in range(0, sizes.computers, AT_ONCE):
        with store.write() as work:
            ordinals = range(begin, min(begin + AT_ONCE, sizes.computers))
            for ordinal in ordinals[::TAIL_SHARE]:
                work.computers.save(after_scan(fleet, ordinal))
            work.computers.contacts({fleet.ids[one]: NOW for one in ordinals})
    with store.write() as work:
        work.lease.release(fence)
    store.close()


def _write_rows(path: Path, fleet: Fleet, computers: int, *, whole: bool) -> None:
    """Write all rows of computers, as enrolling and saving them one by one would."""
    with closing(sqlite3.connect(path)) as raw:
        for begin in range(0, computers, AT_ONCE):
            ordinals = range(begin, min(begin + AT_ONCE, computers))
            rows = list(_rows(fleet, ordinals, whole=whole))
            raw.executemany(INSERT_COMPUTER, [row for row, _ in rows])
            raw.executemany("INSERT INTO computer_contact VALUES (?, ?, 1)", [at for _, at in rows])
            raw.commit()
        raw.execute("INSERT INTO counter VALUES ('ordinal', ?)", [computers])
        raw.commit()


def _rows(
    fleet: Fleet, ordinals: range, *, whole: bool
) -> Iterator[tuple[tuple[object, ...], tuple[str, int]]]:
    states: dict[int, dict[str, UpdateState]] = {ordinal: {} for ordinal in ordinals}
    among = BitMap(ordinals)
    for state, by_update in fleet.states.items() if whole else ():
        for update, bits in by_update.items():
            for ordinal in bits & among:
                states[ordinal][update] = state
    for ordinal, told in states.items():
        made = computer_of(fleet, ordinal, told)
        body = pack(encode(replace(made, last_contact_at=None)))
        row = (made.id, ordinal, made.name, made.name, "hw", None, body, "0" * 64, 1, 1)
        yield row, (made.id, micros(made.last_contact_at))


def measure(path: Path, sizes: Sizes) -> dict[str, Any]:
    """Start on the database, then let passes run."""
    store = Store(path)
    worked = time.process_time()
    load, observed = _timed(lambda: Observer(store).observe(fresh=True))
    worked = time.process_time() - worked
    assert len(observed.fleet.enrolled) == sizes.computers
    figures = {
        "databaseMib": path.stat().st_size >> 20,
        "loadSeconds": worked,
        "loadWaited": load,
        "peakMib": _peak_mib(),
    }
    del observed
    gc.collect()
    figures |= _passes(store, path, sizes)
    store.close()
    return figures


def _peak_mib() -> int:
    """Give the most memory of this program alone; other counts begin before it was started."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


def _passes(store: Store, path: Path, sizes: Sizes) -> dict[str, Any]:
    desire = Desire(make_desired(sizes), "c" * 40, read_at=NOW)
    reconciler = Reconciler(store, SITE, Stopped(), "engine", timedelta(hours=1))
    reconciler.begin()

    def run() -> None:
        outcome = reconciler.run_pass(desire)
        assert outcome.plan is not None

    first, _ = _timed(run)
    run()
    log = path.with_name(path.name + "-wal")
    before = (store.change(), log.stat().st_mtime_ns)
    nothing = [_timed(run)[0] for _ in range(5)]
    wrote = (store.change(), log.stat().st_mtime_ns) != before
    messages = [_message(store, run, number) for number in range(5)]
    reconciler.end()
    return {
        "firstPassWaited": first,
        "nothingPassWaited": statistics.median(nothing),
        "nothingWrote": wrote,
        "messagePassWaited": statistics.median(messages),
    }


def _message(store: Store, run: Callable[[], None], number: int) -> float:
    """Save what a message changed, and time the pass that sees it."""
    with store.write() as work:
        known = work.computers.find(f"{number:032x}")
        assert known is not None
        missing = [one for one, state in known.states.items() if state is UpdateState.MISSING]
        states = {**known.states, **dict.fromkeys(missing[:1], UpdateState.INSTALLED)}
        work.computers.save(replace(known, states=states))
    return _timed(run)[0]


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    """Give the seconds that somebody waits, with other programs' share of the machine."""
    gc.collect()
    began = time.perf_counter()
    done = work()
    return time.perf_counter() - began, done


def main() -> int:
    """Print the figures as JSON; exit 1 where a bar is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--computers", type=int, default=1_000_000)
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--rollouts", type=int, default=50)
    parser.add_argument("--collections", type=int, default=200)
    parser.add_argument("--group", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--whole", action="store_true", help="write all rows with their states")
    parser.add_argument("--database", type=Path, help="measure this one, built before")
    asked = parser.parse_args()
    sizes = Sizes(
        asked.computers,
        asked.updates,
        asked.collections,
        asked.rollouts,
        asked.group,
        asked.seed,
    )
    if asked.database is not None:
        print(json.dumps(measure(asked.database, sizes)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "site.db"
        build(path, sizes, whole=asked.whole)
        # A process of its own, so that its memory is that of a start.
        command = [sys.executable, __file__, *sys.argv[1:], f"--database={path}"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured = json.loads(done.stdout.splitlines()[-1])
    kept = {name: measured[name] <= bar for name, bar in BARS.items()}
    kept["nothingWrote"] = not measured["nothingWrote"]
    figures = {**asdict(sizes), **measured, "bars": BARS, "withinBars": kept}
    print(json.dumps({**figures, "python": platform.python_version()}, indent=2))
    return 0 if all(kept.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
