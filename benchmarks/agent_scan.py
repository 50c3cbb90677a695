"""Time a warm scan of this host against its package manager's own listing of upgrades.

The catalog slice holds one update for every installed package, and as many for packages that are
not there. Both run in turn; each counts with its median. The resident memory is the agent's own,
after the scans. Run: .venv/bin/python benchmarks/agent_scan.py
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from reconciler.agent.choice import has_rpms
from reconciler.agent.content import Content
from reconciler.agent.home import Home
from reconciler.agent.log import Log
from reconciler.agent.machine import make_packages
from reconciler.model.updates import CatalogSlice, SliceUpdate

ROUNDS = 5
MOST_RATIO = 1.3
ROOT = Path("/")


def main() -> None:
    """Print the figures as JSON."""
    with tempfile.TemporaryDirectory() as name:
        home = Home(Path(name))
        home.make()
        packages = make_packages(ROOT, home, Content(home.path / "content", None), Log("error"))
        inventory = packages.scan(CatalogSlice("bench", 0, ())).packages
        catalog = make_slice(inventory)
        listing = list_command()
        scans, listings = [], []
        for _ in range(ROUNDS):
            scans.append(seconds(lambda: packages.scan(catalog)))
            listings.append(seconds(lambda: run(listing)))
    scan, listed = statistics.median(scans), statistics.median(listings)
    assert scan <= MOST_RATIO * listed, f"{scan} s against {listed} s"
    figures = {
        "benchmark": "agent_scan",
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "packages": len(inventory),
        "updates": len(catalog.updates),
        "scan_seconds": round(scan, 4),
        "listing": " ".join(listing),
        "listing_seconds": round(listed, 4),
        "ratio": round(scan / listed, 3),
        "ratio_limit": MOST_RATIO,
    }
    print(json.dumps(figures, indent=2))


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
    main()
