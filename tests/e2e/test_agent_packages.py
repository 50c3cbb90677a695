"""The agent as people install it: built, put into throwaway roots, started, looked after."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.demo.commands import run_or_raise
from reconciler.model.updates import SliceUpdate
from tests.e2e.agents import PROJECT, AgentOnMachine, wait_until
from tests.e2e.fake_site import FakeSite, serve_site
from tests.e2e.rpm_machine import RpmMachine
from tests.e2e.rpm_scene import Scene
from tests.e2e.rpms import RpmPackage

pytestmark = pytest.mark.e2e

UNIT = PROJECT / "packaging/agent/patchwright-agent.service"
IDLE_LIMIT_MB = 45
REAL_HOST = 100


class InstalledAgent(AgentOnMachine):
    """Runs the program that the package put there, with the host's own Python."""

    def command(self, *words: str) -> list[str]:
        root = self.machine.root
        return [str(root / "usr/bin/patchwright-agent"), *words, "--root", str(root)]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with all three forms, built once."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, str(PROJECT / "packaging/agent/build.py"), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def site():
    made = FakeSite()
    with serve_site(made) as url:
        yield made, url


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def test_packages_are_the_same_bytes_each_time(built, tmp_path):
    command = [sys.executable, str(PROJECT / "packaging/agent/build.py"), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)

    for name in ("patchwright-agent.pyz", "patchwright-agent_0.1.0-1_all.deb"):
        assert (tmp_path / name).read_bytes() == (built / name).read_bytes()


def test_deb_is_installed_and_its_agent_works(built, make_machine, site):
    served, url = site
    machine = make_machine("web-1", [])
    run_or_raise(
        [
            *("dpkg", f"--root={machine.root}", "--force-depends", "--install"),
            only(built, "*.deb"),
        ]
    )
    agent = InstalledAgent(machine, url)
    served.set_catalog()
    agent.enrol()
    agent.run("once")

    assert served.batches[0].facts.facts["os.release"] == "debian-12"
    assert served.batches[0].inventory.packages["patchwright-agent"] == "0.1.0-1"


def test_rpm_is_installed_and_its_agent_works(built, tmp_path, site):
    served, url = site
    machine = RpmMachine(tmp_path / "machine")
    install_rpm(machine, only(built, "*.rpm"))
    agent = InstalledAgent(machine, url)
    served.set_catalog(release="almalinux-9")
    agent.enrol()
    agent.run("once")

    assert served.batches[0].facts.facts["os.release"] == "almalinux-9"
    assert served.batches[0].inventory.packages["patchwright-agent"] == "0.1.0-1"


def install_rpm(machine: RpmMachine, path: Path) -> None:
    run_or_raise(
        [
            *("rpm", "--root", machine.root, "--dbpath", "/var/lib/rpm"),
            *("--nodeps", "--install", "--ignoreos"),
            path,
        ]
    )


def test_removed_deb_keeps_the_identity_until_it_is_purged(built, make_machine, site):
    machine = make_machine("web-1", [])
    dpkg = ("dpkg", f"--root={machine.root}", "--force-depends")
    run_or_raise([*dpkg, "--install", only(built, "*.deb")])
    InstalledAgent(machine, site[1]).enrol()
    identity = machine.root / "var/lib/patchwright-agent/identity.json"
    run_or_raise([*dpkg, "--remove", "patchwright-agent"])
    assert identity.is_file()
    run_or_raise([*dpkg, "--purge", "patchwright-agent"])

    assert not identity.parent.exists()


def test_unit_is_valid_and_hardened(built, make_machine, tmp_path):
    machine = make_machine("web-1", [])
    run_or_raise(
        ["dpkg", f"--root={machine.root}", "--force-depends", "--install", only(built, "*.deb")]
    )
    unit = tmp_path / UNIT.name
    program = machine.root / "usr/bin/patchwright-agent"
    unit.write_text(UNIT.read_text().replace("/usr/bin/patchwright-agent", str(program)))
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (verified.returncode, verified.stderr) == (0, "")
    assert judged.returncode == 0, judged.stdout[-500:]


def test_idle_agent_is_small(built, make_machine, site):
    """After a scan of all packages of a real host by a catalog of 2,000 updates."""
    served, url = site
    machine = make_machine("web-1", [])
    run_or_raise(
        ["dpkg", f"--root={machine.root}", "--force-depends", "--install", only(built, "*.deb")]
    )
    own = machine.root / "var/lib/dpkg/status"
    own.write_text(own.read_text() + Path("/var/lib/dpkg/status").read_text())
    agent = InstalledAgent(machine, url)
    served.set_catalog(*(SliceUpdate(f"u-{n}", ((f"p-{n}", "all", "2"),)) for n in range(2000)))
    agent.enrol()
    process = agent.start()
    try:
        wait_until(lambda: any(batch.scan for batch in served.batches))
        time.sleep(1)
        status = Path(f"/proc/{process.pid}/status").read_text()
        (resident,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        agent.close()

    (inventory,) = [batch.inventory for batch in served.batches if batch.inventory]
    assert len(inventory.packages) > REAL_HOST
    assert int(resident.split()[1]) / 1024 < IDLE_LIMIT_MB


def test_doctor_names_what_is_wrong(built, make_machine, site):
    served, url = site
    machine = make_machine("web-1", [])
    run_or_raise(
        ["dpkg", f"--root={machine.root}", "--force-depends", "--install", only(built, "*.deb")]
    )
    agent = InstalledAgent(machine, url)
    before = states_of(agent.run("doctor", "-o", "json", code=1).stdout)
    assert before["site"] == "fault"
    agent.enrol()
    after = states_of(agent.run("doctor", "-o", "json").stdout)
    assert set(after.values()) == {"ok"}
    served.is_down = True
    text = agent.run("doctor", code=1).stdout
    assert "fault    site" in text
    served.is_down = False
    (machine.root / "var/lib/dpkg/status").unlink()
    (machine.root / "etc/patchwright").mkdir(exist_ok=True)
    (machine.root / "etc/patchwright/facts.json").write_text("{")

    assert states_of(agent.run("doctor", "-o", "json", code=1).stdout)["facts"] == "fault"


def states_of(text: str) -> dict[str, str]:
    return {one["check"]: one["state"] for one in json.loads(text)}


def test_doctor_tells_a_wrong_clock(make_machine, site):
    agent = AgentOnMachine(make_machine("web-1", []), site[1])
    agent.enrol()
    done = subprocess.run(
        ["faketime", "-f", "+1d", *agent.command("doctor", "-o", "json")],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
        env={**os.environ, "TZ": "UTC"},
    )

    assert states_of(done.stdout)["clock"] == "fault"


def test_agent_upgrades_itself_as_any_other_package(built, tmp_path, site):
    """The running agent sees its own program replaced, and its successor goes on (L7)."""
    served, url = site
    newer = tmp_path / "newer"
    command = [sys.executable, str(PROJECT / "packaging/agent/build.py"), str(newer)]
    subprocess.run([*command, "--version", "0.1.1"], check=True, capture_output=True)
    scene = Scene(tmp_path, served, url, InstalledAgent)
    for name in ("python3", "python3-cryptography", "rpm", "dnf"):
        version = "3.9" if name == "python3" else "1"
        provides = ("/usr/bin/python3",) if name == "python3" else ()
        scene.machine.install(RpmPackage(name=name, version=version, provides=provides))
    install_rpm(scene.machine, only(built, "*.rpm"))
    scene.agent.enrol()
    process = scene.agent.start()
    scene.offer(
        authorized=(RpmPackage(name="patchwright-agent", version="0.1.1"),),
        built=(only(newer, "*.rpm"),),
    )
    try:
        wait_until(lambda: 11268 in [id_ for id_, _ in served.statuses()])
        assert process.poll() is None
        assert scene.machine.packages()["patchwright-agent"] == "0.1.1-1"
        process.terminate()
        assert process.wait(10) == 0
        scene.agent.run("once")
    finally:
        scene.agent.close()

    told = [batch.facts for batch in served.batches if batch.facts is not None]
    assert told[-1].facts["agent.version"] == "0.1.1"
    assert list(served.states().values()) == ["installed"]
