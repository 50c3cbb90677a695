"""From a line in git to a machine that was restarted: restart rule and hooks of a rollout."""

import json

import pytest

from reconciler.demo.deb import DebPackage
from reconciler.model.messages import StatusId
from tests.e2e.site import replacing
from tests.e2e.small_site import SmallSite, copy_manifests, processes_about

pytestmark = pytest.mark.e2e

WITH_RESTART = replacing(
    "  phases:\n",
    "  restart: {servers: if-required}\n  hooks: {before: drain, after: verify}\n  phases:\n",
)
MARK = "echo restart > /run/reboot-required; echo webapp >> /run/reboot-required.pkgs"


@pytest.fixture
def site(lab, tmp_path):
    made = SmallSite(tmp_path / "world", lab, copy_manifests(tmp_path / "manifests"))
    yield made
    made.close()
    assert processes_about(tmp_path) == []


def administer(machine, folder):
    """Configure hooks, and a restart that starts a new boot at once; give what was called."""
    root, called = machine.root, folder / f"{machine.root.name}.called"
    boot = root / "proc/sys/kernel/random/boot_id"
    boot.parent.mkdir(parents=True)
    boot.write_text("first\n")

    def write(name, more=""):
        path = folder / f"{root.name}-{name}.sh"
        path.write_text(f"#!/bin/sh\necho {name} >> {called}\n{more}\n")
        path.chmod(0o755)
        return [str(path)]

    restart = write("restart", f"rm {root}/run/reboot-required*; echo second > {boot}")
    hooks = {name: write(name) for name in ("drain", "verify")}
    configured = root / "etc/patchwright/agent.json"
    configured.parent.mkdir(exist_ok=True)
    configured.write_text(json.dumps({"hooks": hooks, "restartCommand": restart}))
    return called


def test_rollout_restarts_its_machines_between_drain_and_verify(site, tmp_path):
    site.build(
        DebPackage(name="webapp", version="1.0"),
        DebPackage(name="webapp", version="1.1", scripts={"postinst": MARK}),
        september=WITH_RESTART,
    )
    called = [administer(machine, tmp_path) for machine in site.machines.values()]
    site.start()
    site.wait_converged()

    expected = ["drain", "restart", "verify"]
    assert [one.read_text().split() for one in called] == [expected, expected]
    told = [StatusId.PROGRAM_STARTED, StatusId.RESTART_STARTED_REQUIRED, StatusId.PROGRAM_SUCCEEDED]
    for name in site.machines:
        assert [status for _, status in site.messages(name)] == told
