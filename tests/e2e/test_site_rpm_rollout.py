"""A whole site whose machines run dnf: from advisories in a repository to a proved outcome."""

import shutil

import pytest

from reconciler.model.rollouts import PhaseState
from reconciler.model.updates import UpdateState
from tests.e2e.rpm_machine import RpmMachine
from tests.e2e.rpms import AdvisoryText, RpmPackage, make_repository
from tests.e2e.site import SiteWorld, replacing, writing

pytestmark = pytest.mark.e2e

OLD = RpmPackage(name="app", version="1.9")
NEW = RpmPackage(name="app", version="1.10", requires=("tool",), files={"opt/app": "new"})
TOOL = RpmPackage(name="tool", version="3.0")
ALSA = AdvisoryText(id="ALSA-2025:10073", packages=(NEW,), cves=("CVE-2025-1",))
BUGFIX = AdvisoryText(id="ALBA-2025:2", packages=(TOOL,), type="bugfix", severity="None")
CATALOG = """
apiVersion: patchwright.dev/v1alpha1
kind: CatalogSource
metadata: {{name: almalinux-9}}
spec: {{type: updateinfo, location: "{location}", releases: [almalinux-9], schedule: 1h}}
---
apiVersion: patchwright.dev/v1alpha1
kind: ScanPolicy
metadata: {{name: everybody}}
spec: {{collection: everybody, recurrence: {{server: 1h}}, firstScanWithin: 1s, reportEvery: 1s}}
"""


@pytest.fixture
def site(tmp_path, lab):
    """A site that has not started, of which git names an rpm repository."""
    made = SiteWorld(tmp_path / "world", lab)
    repository = make_repository(tmp_path / "mirror", NEW, TOOL, advisories=(ALSA, BUGFIX))
    made.commit(
        "Follow rpms",
        {
            "catalog.yaml": writing(CATALOG.format(location=repository)),
            "rollout.yaml": replacing("release: [debian-12]", 'severity: ">=important"'),
        },
    )
    made.make_site()
    yield made
    made.close()


def add_machine(site, name):
    machine = RpmMachine(site.folder / name)
    machine.install(OLD)
    site.machines[name] = machine
    return machine


@pytest.mark.timeout(120)
def test_advisory_reaches_every_machine_phase_by_phase(site, tmp_path):
    machines = [add_machine(site, name) for name in ("reference-1", "web-1")]
    site.begin()
    site.wait_until_state(PhaseState.SUCCEEDED, "reference")
    # What was captured is what is installed, whatever becomes of the mirror.
    shutil.rmtree(tmp_path / "mirror")
    site.wait_until_converged(1)

    for machine in machines:
        assert machine.packages() == {"app": "1.10-1", "tool": "3.0-1"}
    states = site.computer("web-1").states
    assert states["ALSA-2025:10073"] is UpdateState.INSTALLED


@pytest.mark.timeout(120)
def test_failing_script_halts_the_release_before_production(site, tmp_path):
    broken = RpmPackage(name="app", version="1.11", scripts={"post": "exit 9"})
    make_repository(
        tmp_path / "mirror",
        broken,
        advisories=(AdvisoryText(id="ALSA-2025:666", packages=(broken,)),),
    )
    reference, web = (add_machine(site, name) for name in ("reference-1", "web-1"))
    site.begin()
    site.wait_until_state(PhaseState.HALTED, "reference")

    # rpm says that it is there; the site knows better.
    assert reference.packages()["app"] == "1.11-1"
    assert site.computer("reference-1").states["ALSA-2025:666"] is UpdateState.MISSING
    assert web.packages() == {"app": "1.9-1"}
