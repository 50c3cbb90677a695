"""`patchwright simulate`: a timeline as JSON lines, and what is wrong with its inputs."""

import json
import re
from pathlib import Path

import pytest
import typer

from reconciler.cli.fleet_file import load_fleet_spec
from reconciler.cli.simulate import Asked, simulate
from reconciler.model.errors import ManifestError, SettingsError, SourceError
from tests.advisories import FOLDER
from tests.worlds import BASICS, NOW

pytestmark = pytest.mark.timeout(20)  # days of virtual time, on a machine that may be busy
DOCS = Path(__file__).parents[3] / "docs" / "simulate.md"
FLEET = """
groups:
  - {name: ref, count: 3, facts: {ring: reference}}
  - {name: web, count: 20, facts: {ring: rest}, zones: {Europe/Rome: 1, UTC: 1}}
updates:
  - {product: app, count: 2, missing: 50%}
"""
SECOND_SITE = """---
apiVersion: patchwright.dev/v1alpha1
kind: Site
metadata: {name: branch}
spec: {code: BRA, parent: main}
"""


@pytest.fixture
def run(tmp_path, capsys):
    folder = tmp_path / "manifests"
    folder.mkdir()

    def simulated(fleet=FLEET, manifests=BASICS, output=None, **changes):
        (folder / "m.yaml").write_text(manifests, encoding="utf-8")
        (tmp_path / "fleet.yaml").write_text(fleet, encoding="utf-8")
        fields = {
            "manifests": folder,
            "fleet": tmp_path / "fleet.yaml",
            "catalog": None,
            "site": None,
            "days": 3,
            "tick": "1h",
            "seed": 1,
            "now": NOW,
        }
        assert simulate(Asked(**{**fields, **changes}), output) == 0
        return capsys.readouterr()

    return simulated


def test_timeline_goes_from_the_release_to_a_summary(run):
    events = [json.loads(line) for line in run().out.splitlines()]

    names = [event["event"] for event in events]
    wanted = ["releaseCut", "phaseOpened", "progress", "soakBegun", "phaseSucceeded", "summary"]
    assert [name for name in wanted if name not in names] == []
    assert names.index("releaseCut") < names.index("phaseOpened") < names.index("phaseSucceeded")
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    summary = events[-1]
    assert (summary["ticks"], summary["seed"]) == (73, 1)
    assert summary["releases"]["monthly/1"]["percent"] == 100
    assert summary["started"] == summary["succeeded"] + summary["failed"]


def test_same_seed_gives_the_same_bytes(run, tmp_path):
    printed = run(seed=5).out
    run(seed=5, output=tmp_path / "out.jsonl")

    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == printed
    assert run(seed=6).out != printed


def test_updates_of_a_catalog_come_at_the_beginning(run):
    events = [json.loads(line) for line in run(catalog=FOLDER, days=1).out.splitlines()]

    told = {one["type"] for one in events[-1]["conditions"]}
    # Advisories have no files, so the planner offers none of them.
    assert "NoFiles" in told


def test_site_that_observes_is_told(run):
    found = run(manifests=BASICS.replace("mode: enforce", "mode: observe"))

    assert "main observes" in found.err
    assert json.loads(found.out.splitlines()[-1])["started"] == 0


def test_one_of_several_sites_has_to_be_named(run):
    with pytest.raises(SettingsError, match="which site it is for is not clear"):
        run(manifests=BASICS + SECOND_SITE)
    with pytest.raises(SettingsError, match="there is no Site 'nowhere'"):
        run(manifests=BASICS + SECOND_SITE, site="nowhere")
    assert run(manifests=BASICS + SECOND_SITE, site="main").out


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param("count: 20", "count: many", "fleet.yaml:4:", id="type"),
        pytest.param("count: 20", "count: 0", "fleet.yaml:4:", id="range"),
        pytest.param("count: 20", "cuont: 20", "cuont", id="unknown-field"),
        pytest.param("Europe/Rome: 1", "Europe/Room: 1", "Europe/Room", id="zone"),
        pytest.param("missing: 50%", "missing: half", "half", id="percentage"),
        pytest.param("name: web", "name: ref", "two groups", id="same-names"),
        pytest.param("ring: rest", "ring: {rest: 1}", "weights", id="weights"),
        pytest.param(
            "count: 20", "count: 20, online: never", "is not one of always", id="presence"
        ),
        pytest.param("{Europe/Rome: 1, UTC: 1}", "{Europe/Rome: -1}", "-1", id="weight"),
        pytest.param("count: 20", "count: 3000000", "2000000", id="too-many"),
        pytest.param("groups:", "groups: [", "fleet.yaml", id="syntax"),
    ],
)
def test_fault_of_the_fleet_is_told_with_its_place(run, old, new, told):
    assert old in FLEET
    with pytest.raises(ManifestError) as caught:
        run(fleet=FLEET.replace(old, new, 1))

    assert told in " ".join(str(problem) for problem in caught.value.problems)
    assert str(caught.value).endswith("fleet.yaml")


def test_fleet_of_two_documents_is_refused(run):
    with pytest.raises(SourceError, match="holds 2 documents"):
        run(fleet=f"{FLEET}---{FLEET}")


@pytest.mark.parametrize("tick", ["soon", "1s", "2d"])
def test_tick_that_makes_no_sense_is_refused(run, tick):
    with pytest.raises(typer.BadParameter):
        run(tick=tick)


def test_example_of_the_docs_is_valid(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "fleet.yaml"
    path.write_text(example, encoding="utf-8")

    spec = load_fleet_spec(path)

    assert spec.groups[0].count == 60_000
    assert spec.updates[0].arrives is not None
