"""Time a warm scan of this host against its package manager's own listing of upgrades.

The catalog slice holds one update for every installed package, and as many for packages that are
not there. Both run in turn; each counts with its median. The resident memory is that of this
process after the scans: the agent's own modules and all that it holds of the packages and the
slice. Exits with 1 above a bar. Run: .venv/bin/python benchmarks/agent_scan.py [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconciler.agent.choice import has_rpms
from reconciler.agent.content import Content
from reconciler.agent.home import Home
from reconciler.agent.log import Log
from reconciler.agent.machine import make_packages, make_surroundings
from reconciler.model.updates import CatalogSlice, SliceUpdate

BARS = {"ratio": 1.3, "residentMib": 45.0}
ROOT = Path("/")


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Time a warm scan of this host.")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        figures = measure(Path(name), rounds)
    within = {bar: figures[bar] <= limit for bar, limit in BARS.items()}
    print(json.dumps({**figures, "bars": BARS, "withinBars": within}, indent=2))
    return 0 if all(within.values()) else 1


def measure(folder: Path, rounds: int) -> dict[str, Any]:
    """Scan and list in turn, with the agent's own files in the folder."""
    home = Home(folder)
    home.make()
    content, log = Content(home.path / "content", None), Log("error")
    packages = make_packages(make_surroundings(ROOT), home, content, log)
    inventory = packages.scan(CatalogSlice("bench", 0, ())).packages
    catalog = make_slice(inventory)
    listing = list_command()
    scans, listings = [], []
    for _ in range(rounds):
        scans.append(seconds(lambda: packages.scan(catalog)))
        listings.append(seconds(lambda: run(listing)))
    scan, listed = statistics.median(scans), statistics.median(listings)
    return {
        "benchmark": "agent_scan",
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "packages": len(inventory),
        "updates": len(catalog.updates),
        "scanSeconds": round(scan, 4),
        "listing": " ".join(listing),
        "listingSeconds": round(listed, 4),
        "ratio": round(scan / listed, 3),
        "residentMib": round(resident_mib(), 1),
    }


def resident_mib() -> float:
    """Give the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def make_slice(inventory: dict[str, str]) -> CatalogSlice:
    """Give an update for each package, and one for as many that are not installed."""
    own = "noarch" if has_rpms(ROOT) else "all"
    updates = [
        SliceUpdate(f"u-{name}", ((name.partition(":")[0], own, version),))
        for name, version in inventory.items()
    ]
    absent = [SliceUpdate(f"n-{n}", ((f"absent-{n}", own, "1.0-1"),)) for n in range(len(updates))]
    return CatalogSlice("bench", 1, (*updates, *absent))


def list_command() -> list[str]:
    """Name the host's own way to list what can be upgraded, from what it has already fetched."""
    if has_rpms(ROOT):
        return ["dnf", "--cacheonly", "--quiet", "list", "--upgrades"]
    assert shutil.which("apt"), "this host has neither dnf nor apt"
    return ["apt", "list", "--upgradable"]


def run(command: list[str]) -> None:
    """Run it to its end."""
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "LC_ALL": "C"})


def seconds(work: Callable[[], object]) -> float:
    """Give the elapsed time."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
