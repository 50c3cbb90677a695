"""Every benchmark runs, at a size that says nothing about speed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SMALL = ("--updates=20", "--rollouts=5", "--collections=20", "--group=5")


def figures_of(name, *arguments):
    command = [sys.executable, str(BENCHMARKS / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode in {0, 1}, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_plan_is_timed_for_every_size():
    figures = figures_of("plan.py", "--computers", "200", "400", *SMALL, "--rounds=1")

    assert [case["computers"] for case in figures["cases"]] == [200, 400]
    assert set(figures["withinBars"]) == set(figures["bars"])
    assert all(case["fullSeconds"] > 0 and case["bareSeconds"] > 0 for case in figures["cases"])


@pytest.mark.parametrize("whole", [(), ("--whole",)])
def test_start_is_timed_and_a_pass_after_nothing_writes_nothing(whole):
    figures = figures_of("load.py", "--computers=200", *SMALL, *whole)

    assert figures["loadSeconds"] > 0
    assert figures["nothingWrote"] is False


def test_summaries_are_timed_against_sql():
    if not Path("/usr/lib/postgresql").exists():
        pytest.skip("PostgreSQL is not installed")
    figures = figures_of("summaries.py", "--computers=500", "--applicable=5", "--rounds=1")

    assert figures["rows"] > 0
    assert set(figures["ratios"]) == {"first", "better"}
    assert figures["ratio"] == min(figures["ratios"].values()) > 0


def test_snapshot_is_timed_and_plans_of_it_are_equal():
    figures = figures_of("snapshot.py", "--computers=300", *SMALL)

    assert figures["plansEqual"] is True
    assert figures["bytes"] > 0
    assert set(figures["withinBars"]) == set(figures["bars"])


def test_forecasts_are_compared_with_what_happens():
    figures = figures_of("forecast_error.py", "--computers=60", "--fleets=1")

    (fleet,) = figures["daysAhead"]
    assert figures["fleets"] == 1
    assert fleet[0] == 1


def test_simulation_is_timed():
    figures = figures_of("simulate.py", "--computers=200", "--days=2")

    assert figures["ticks"] == 2 * 24 * 4 + 1
    assert figures["started"] > 0
    assert figures["processorSeconds"] > 0


def test_scan_of_an_agent_is_timed_and_its_memory_is_told():
    figures = figures_of("agent_scan.py", "--rounds=1")

    assert figures["packages"] > 0
    assert figures["scanSeconds"] > 0
    assert set(figures["withinBars"]) == set(figures["bars"]) == {"ratio", "residentMib"}
    assert figures["withinBars"]["residentMib"], figures["residentMib"]
