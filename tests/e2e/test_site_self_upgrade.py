"""A site brings its machines a new agent, which is what does the bringing (L7)."""

import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.demo.deb import DebPackage
from reconciler.model.messages import StatusId
from reconciler.model.rollouts import PhaseState
from tests.e2e.agents import PROJECT
from tests.e2e.site import NEW, OLD, SiteWorld, make_package

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

AGENT = "patchwright-agent"
BEFORE, AFTER = "0.1.0", "0.1.1"
NEEDED = tuple(
    DebPackage(name=name, version="3.11.2-1")
    for name in ("python3", "python3-cryptography", "apt", "dpkg")
)


class InstalledAgents(SiteWorld):
    """A site whose agents are the programs that a package put onto the machines."""

    def agent_program(self, machine):
        return [str(machine.root / "usr/bin" / AGENT)]


def build(folder: Path, version: str) -> Path:
    """Build the agent's own packages, and give the .deb."""
    command = [sys.executable, str(PROJECT / "packaging/agent/build.py"), str(folder)]
    subprocess.run([*command, "--version", version], check=True, capture_output=True)
    (deb,) = folder.glob("*.deb")
    return deb


@pytest.fixture(scope="module")
def debs(tmp_path_factory):
    return [build(tmp_path_factory.mktemp("dist"), version) for version in (BEFORE, AFTER)]


@pytest.fixture
def world(tmp_path, lab, debs):
    """Two machines with the old agent, and a new one on offer with a package that is slow."""
    made = InstalledAgents(tmp_path / "world", lab)
    old = [make_package("app", OLD), *NEEDED]
    lab.repository.publish("bookworm", old, built={AGENT: debs[0]})
    fleet = lab.make_fleet(("reference-1", "web-1"), ("app", AGENT))
    made.machines = {machine.root.name: machine for machine in fleet}
    slow = make_package("app", NEW, fails="sleep 4; false")
    lab.repository.publish("bookworm-security", [slow], built={AGENT: debs[1]})
    made.make_site()
    yield made
    made.close()


def test_rollout_of_the_agent_survives_itself(world):
    """The agent of production is killed once its program is the new one, and the run goes on."""
    world.begin()
    world.wait_until_state(PhaseState.OPEN, "production")
    program = world.machines["web-1"].root / "usr/bin" / AGENT
    old = program.read_bytes()
    world.wait_for(lambda: program.read_bytes() != old, "the program to be replaced")
    world.agents["web-1"].kill()
    assert world.messages("web-1", StatusId.PROGRAM_SUCCEEDED) == []
    world.agents["web-1"].start()
    world.wait_until_converged(1)

    for name in world.machines:
        assert {world.versions(name)[one] for one in ("app", AGENT)} == {NEW, f"{AFTER}-1"}
        kinds = (StatusId.PROGRAM_STARTED, StatusId.PROGRAM_SUCCEEDED, StatusId.PROGRAM_FAILED)
        assert [len(world.messages(name, kind)) for kind in kinds] == [1, 1, 0]
    assert world.computer("web-1").facts["agent.version"] == AFTER


def test_agent_that_goes_on_is_the_old_one_until_it_is_started_anew(world):
    world.begin()
    world.wait_until_converged(1)
    assert world.computer("reference-1").facts["agent.version"] == BEFORE
    world.agents["reference-1"].stop()
    world.agents["reference-1"].start()

    world.wait_for(
        lambda: world.computer("reference-1").facts["agent.version"] == AFTER, "the new agent"
    )
    assert OLD not in world.versions("reference-1").values()
