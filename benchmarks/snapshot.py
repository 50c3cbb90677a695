"""Write and read a redacted, signed snapshot of a large site: under 10 seconds and 20 MB.

The site is that of fleet_world.py, but an update applies to half of the fleet, so that its sets are
as dense as they get. The bar on seconds is on what exporting does once the store was read, in
processor time, so that what else the machine does has no part in it.
Run: .venv/bin/python benchmarks/snapshot.py [--computers N] [--updates N]
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import tempfile
import time
from pathlib import Path

import fleet_world
from fleet_world import NOW, SITE, Sizes, make_catalog, make_desired, make_fleet, make_memory

from reconciler.engine.redaction import Redaction
from reconciler.engine.snapshot_trust import Trust
from reconciler.engine.snapshots import Snapshot, load_snapshot, redacted, save_snapshot
from reconciler.observed.state import ObservedState
from reconciler.planning.plan import make_plan
from reconciler.server.signing import Signer

BARS = {"exportSeconds": 10.0, "bytes": 20_000_000, "readSeconds": 10.0}
_DENSE = 0.5


def main() -> None:
    """Print the figures as JSON; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--computers", type=int, default=100_000)
    parser.add_argument("--updates", type=int, default=500)
    parser.add_argument("--collections", type=int, default=200)
    parser.add_argument("--rollouts", type=int, default=20)
    parser.add_argument("--group", type=int, default=100)
    asked = parser.parse_args()
    fleet_world.APPLIES = _DENSE
    sizes = Sizes(**vars(asked))
    desired, catalog, fleet = make_desired(sizes), make_catalog(sizes), make_fleet(sizes)
    memory = make_memory(desired, catalog, fleet)
    observed = ObservedState(fleet, catalog, memory, memory.latest_transition())
    snapshot = Snapshot(observed, SITE, NOW, "c" * 40, exported_at=NOW)
    with tempfile.TemporaryDirectory() as folder:
        signer = Signer.load_or_make(Path(folder) / "key.pem")
        began = time.process_time()
        hidden = redacted(snapshot, Redaction(signer.derive("benchmark")), matchable=True)
        path, digest = save_snapshot(hidden, Path(folder), signer.seal_snapshot)
        written = time.process_time()
        read = load_snapshot(path, Trust(NOW, frozenset({signer.public_key})))
        done = time.process_time()
        size = path.stat().st_size
    counts = [make_plan(desired, one, SITE, NOW).counts for one in (observed, read.observed)]
    found = {
        "exportSeconds": round(written - began, 2),
        "bytes": size,
        "readSeconds": round(done - written, 2),
    }
    figures = {
        **vars(asked),
        **found,
        "sha256": digest,
        "plansEqual": counts[0] == counts[1],
        "peakMib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "python": platform.python_version(),
        "bars": BARS,
        "withinBars": {name: found[name] <= bar for name, bar in BARS.items()},
    }
    print(json.dumps(figures, indent=2))
    raise SystemExit(not (all(figures["withinBars"].values()) and figures["plansEqual"]))


if __name__ == "__main__":
    main()
