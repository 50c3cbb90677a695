"""Custom facts on a computer: found out anew when due, typed, bounded (A2)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.agent.errors import CommandError
from reconciler.agent.log import Log
from reconciler.agent.probes import Probes, parse_value
from reconciler.agent.process import Done, run_command
from reconciler.model.policy import ProbeOrder

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MODE = ProbeOrder("mode", "text", DAY, command=("/bin/mode",))


class Told:
    """A runner that answers what it is told to, and counts."""

    def __init__(self, output="app\n", code=0):
        self.done = Done(code, output, "")
        self.commands = []

    def __call__(self, command, _, limit=None):
        self.commands.append((list(command), limit))
        return self.done


@pytest.fixture
def probes(tmp_path):
    def make(runner):
        return Probes(tmp_path, tmp_path / "probes.json", runner, Log("error"))

    return make


def test_command_runs_inside_the_root_and_within_its_time(probes, tmp_path):
    runner = Told()

    assert probes(runner).collect([MODE], NOW) == {"mode": "app"}
    assert runner.commands == [(["chroot", str(tmp_path), "/bin/mode"], timedelta(seconds=30))]


def test_fact_is_found_out_anew_only_when_it_is_due(probes):
    runner = Told()
    for hours in (0, 23, 24):
        probes(runner).collect([MODE], NOW + timedelta(hours=hours))

    assert len(runner.commands) == 2


def test_changed_probe_is_made_at_once(probes):
    runner = Told()
    probes(runner).collect([MODE], NOW)
    probes(runner).collect([replace(MODE, command=("/bin/other",))], NOW)

    assert len(runner.commands) == 2


def test_fact_that_git_no_longer_asks_for_is_gone(probes):
    made = probes(Told())
    made.collect([MODE], NOW)

    assert made.collect([], NOW) == {}


@pytest.mark.parametrize("runner", [Told(code=3), Told(output="a\nb")])
def test_fact_that_cannot_be_read_is_absent(probes, runner):
    assert probes(runner).collect([MODE], NOW) == {}


def test_command_that_cannot_start_is_no_fault_of_the_others(probes):
    def runner(command, *_):
        if command[-1] == "/bin/mode":
            raise CommandError("cannot start it")
        return Done(0, "7", "")

    other = ProbeOrder("count", "integer", DAY, command=("/bin/count",))
    assert probes(runner).collect([MODE, other], NOW) == {"count": 7}


def test_first_group_of_an_expression_in_a_file(probes, tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/ts.conf").write_text("# x\nmode = shared\n")
    order = ProbeOrder("mode", "text", DAY, file="/etc/ts.conf", match="^mode = (.*)$")

    assert probes(run_command).collect([order], NOW) == {"mode": "shared"}


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12\n", "integer", 12),
        ("12.5", "integer", None),
        ("12.5", "number", 12.5),
        ("Yes", "boolean", True),
        ("0", "boolean", False),
        ("maybe", "boolean", None),
        ("1:2.3~rc1-4", "version", "1:2.3~rc1-4"),
        ("not a version", "version", None),
        ("x" * 1001, "text", None),
        ("", "text", ""),
    ],
)
def test_values_have_the_declared_type(text, kind, value):
    assert parse_value(text, kind) == value
