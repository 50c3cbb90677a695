"""Time the summaries of a site by bitmaps against SQL over one row per computer and update.

Both count, for every phase of every group, who misses an update, who is unknown, who waits for a
restart and who complies; and for every update how many are in which state. PostgreSQL has a row
for each (computer, applicable update), indexed both ways, analysed and warm; ours has the fleet's
bitmaps. SQL asks in two ways: as one would write it down first, and as one would after a look at
the query plan, through an index of those rows alone that can make a verdict other than compliant.
The answers are compared before anything counts. PostgreSQL runs in a temporary folder, on a socket
there, as a user without privileges. Each side counts with its fastest round, and SQL with its
better way.
Run: .venv/bin/python benchmarks/summaries.py
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pyroaring import BitMap

LEAST_RATIO = 20.0
PHASES, GROUPS = 4, 10
MISSING, INSTALLED, WAITING, UNREPORTED = range(4)
SHARES = (0.05, 0.9, 0.04, 0.01)
Key = tuple[int, ...]
_SCHEMA = """
CREATE TABLE computer (id integer PRIMARY KEY, phase smallint NOT NULL);
CREATE TABLE state (computer integer NOT NULL, update smallint NOT NULL, state smallint NOT NULL);
CREATE TABLE member ("group" smallint NOT NULL, update smallint NOT NULL);
"""
_INDEXES = """
ALTER TABLE state ADD PRIMARY KEY (update, computer) INCLUDE (state);
CREATE INDEX ON state (computer);
CREATE INDEX ON state (update, computer) INCLUDE (state) WHERE state <> 1;
CREATE INDEX ON member (update);
VACUUM ANALYZE;
"""
_JUDGED = {
    "first": """
  SELECT m."group" AS g, s.computer, CASE
    WHEN bool_or(s.state = 0) THEN 0 WHEN bool_or(s.state = 3) THEN 1
    WHEN bool_or(s.state = 2) THEN 2 ELSE 3 END AS verdict
  FROM state s JOIN member m USING (update) GROUP BY m."group", s.computer
""",
    "better": """
  SELECT m."group" AS g, s.computer,
    min(CASE s.state WHEN 0 THEN 0 WHEN 3 THEN 1 ELSE 2 END) AS verdict
  FROM state s JOIN member m USING (update) WHERE s.state <> 1 GROUP BY m."group", s.computer
""",
}
_BY_PHASE = """
WITH judged AS ({judged}),
counted AS (
  SELECT g, phase, verdict, count(*) AS n
  FROM judged JOIN computer c ON c.id = judged.computer GROUP BY g, phase, verdict)
SELECT g, phase, verdict, n FROM counted WHERE verdict < 3
UNION ALL
SELECT g, phase, 3, size - coalesce((
    SELECT sum(n) FROM counted k WHERE k.g = x.g AND k.phase = p.phase AND verdict < 3), 0)
FROM generate_series(0, {groups} - 1) AS x(g),
  (SELECT phase, count(*) AS size FROM computer GROUP BY phase) AS p
"""
_BY_UPDATE = "SELECT update, state, count(*) FROM state GROUP BY update, state"


class Site:
    """A drawn site: each update applies to a share of the computers, so that each has so many."""

    def __init__(self, computers: int, applicable: int, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self.computers = computers
        self.updates = applicable * 10
        self.phase = draw.choice(PHASES, computers, p=(0.01, 0.09, 0.4, 0.5))
        self.groups = [
            sorted(draw.choice(self.updates, self.updates // GROUPS, replace=False).tolist())
            for _ in range(GROUPS)
        ]
        self.rows: list[tuple[np.ndarray, np.ndarray]] = []
        for _ in range(self.updates):
            who = np.flatnonzero(draw.random(computers) < 0.1)
            self.rows.append((who, draw.choice(4, len(who), p=SHARES)))

    def bitmaps(self) -> tuple[list[BitMap], list[list[BitMap]]]:
        """Give who is in each phase, and who is in which state of each update."""
        phases = [_bits(np.flatnonzero(self.phase == number)) for number in range(PHASES)]
        states = [[_bits(who[state == number]) for number in range(4)] for who, state in self.rows]
        return phases, states


def _bits(ordinals: np.ndarray) -> BitMap:
    return BitMap(ordinals.astype(np.uint32))


def by_bitmaps(
    phases: list[BitMap], states: list[list[BitMap]], groups: list[list[int]]
) -> dict[Key, int]:
    """Count everything by set operations."""
    counts: dict[Key, int] = {}
    for number, group in enumerate(groups):
        missing, unknown, waiting = (
            BitMap.union(*(states[update][state] for update in group))
            for state in (MISSING, UNREPORTED, WAITING)
        )
        unknown -= missing
        waiting -= missing | unknown
        for place, members in enumerate(phases):
            parts = [members & missing, members & unknown, members & waiting]
            parts.append(members - parts[0] - parts[1] - parts[2])
            counts |= {(number, place, n): len(part) for n, part in enumerate(parts) if part}
    for update, by_state in enumerate(states):
        counts |= {(update, n): len(bits) for n, bits in enumerate(by_state) if bits}
    return counts


class Postgres:
    """A database server of its own, asked through psql."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self._folder = folder
        self._binaries = binaries
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(folder, self._user)

    def start(self) -> None:
        """Make the database and start the server on a socket in the folder."""
        data = str(self._folder / "data")
        self._run("initdb", "--auth=trust", f"--username={self._user}", "--pgdata", data)
        options = (
            f"-c listen_addresses= -c unix_socket_directories={self._folder}"
            " -c shared_buffers=1GB -c work_mem=256MB -c fsync=off"
        )
        log = str(self._folder / "log")
        self._run("pg_ctl", "--pgdata", data, "--log", log, "--wait", "-o", options, "start")

    def stop(self) -> None:
        """Stop the server by the number of its process, and wait for its end."""
        noted = self._folder / "data" / "postmaster.pid"
        if not noted.exists():
            return
        process = int(noted.read_text().splitlines()[0])
        os.kill(process, signal.SIGINT)
        for _ in range(300):
            if not noted.exists():
                return
            time.sleep(0.1)

    def ask(self, sql: str, *, given: bytes = b"") -> str:
        """Run SQL through psql; `given` is what a COPY reads."""
        body = sql.encode() + (b"\n" + given + b"\\.\n" if given else b"")
        return self._run(
            "psql",
            *("--host", str(self._folder), "--username", self._user, "--dbname", "postgres"),
            *("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator= "),
            *("--set", "ON_ERROR_STOP=1", "--file", "-"),
            given=body,
        )

    def _run(self, program: str, *arguments: str, given: bytes = b"") -> str:
        command = [str(self._binaries / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self._user, "--", *command]
        done = subprocess.run(command, input=given, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()[-500:]
        return done.stdout.decode()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Give a running server, and stop it whatever happens."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))
    assert found, "PostgreSQL is not installed"
    with tempfile.TemporaryDirectory(prefix="pw-") as folder:
        server = Postgres(Path(folder), found[-1])
        try:
            server.start()
            yield server
        finally:
            server.stop()


def fill(server: Postgres, site: Site) -> None:
    """Write the site's rows, then the indexes."""
    server.ask(_SCHEMA)
    computers = b"".join(b"%d\t%d\n" % row for row in enumerate(site.phase.tolist()))
    server.ask("COPY computer FROM STDIN;", given=computers)
    members = b"".join(
        b"%d\t%d\n" % (number, one) for number, group in enumerate(site.groups) for one in group
    )
    server.ask("COPY member FROM STDIN;", given=members)
    rows = b"".join(
        b"%d\t%d\t%d\n" % (who, update, state)
        for update, (everybody, states) in enumerate(site.rows)
        for who, state in zip(everybody.tolist(), states.tolist(), strict=True)
    )
    server.ask("COPY state FROM STDIN;", given=rows)
    server.ask(_INDEXES)


def by_sql(server: Postgres, way: str) -> tuple[dict[Key, int], float]:
    """Count everything by SQL in one of the ways; give the counts and the server's own seconds."""
    by_phase = _BY_PHASE.format(judged=_JUDGED[way], groups=GROUPS)
    told = server.ask(f"\\timing on\n{by_phase};\n{_BY_UPDATE};\n")
    counts, seconds = {}, 0.0
    for line in told.splitlines():
        timed = re.match(r"Time: ([\d.]+) ms", line)
        if timed:
            seconds += float(timed[1]) / 1000
        elif line:
            *key, count = map(int, line.split())
            counts[tuple(key)] = count
    return counts, seconds


def main() -> int:
    """Print the figures as JSON; exit 1 where the bar is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--computers", type=int, default=100_000)
    parser.add_argument("--applicable", type=int, default=50, help="updates per computer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    site = Site(asked.computers, asked.applicable, asked.seed)
    phases, states = site.bitmaps()
    ours: list[float] = []
    theirs: dict[str, list[float]] = {way: [] for way in _JUDGED}
    with postgres() as server:
        version = server.ask("SHOW server_version;").split()[0]
        fill(server, site)
        for _ in range(asked.rounds):
            gc.collect()
            began = time.perf_counter()
            mine = by_bitmaps(phases, states, site.groups)
            ours.append(time.perf_counter() - began)
            for way, taken in theirs.items():
                counts, seconds = by_sql(server, way)
                taken.append(seconds)
                assert counts == mine, "the two sides differ"
    ratios = {way: min(taken) / min(ours) for way, taken in theirs.items()}
    ratio = min(ratios.values())
    figures = {
        "computers": asked.computers,
        "rows": sum(len(who) for who, _ in site.rows),
        "groups": GROUPS,
        "phases": PHASES,
        "bitmapSeconds": min(ours),
        "sqlSeconds": {way: min(taken) for way, taken in theirs.items()},
        "ratios": ratios,
        "ratio": ratio,
        "leastRatio": LEAST_RATIO,
        "withinBar": ratio >= LEAST_RATIO,
        "postgresql": version,
        "python": platform.python_version(),
    }
    print(json.dumps(figures, indent=2))
    return 0 if figures["withinBar"] else 1


if __name__ == "__main__":
    sys.exit(main())
