"""`patchwright forecast`: of a site or a snapshot, in three forms, the same for the same seed."""

import json
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
import typer

from reconciler.cli.forecast import Asked, show_forecast
from reconciler.cli.forecast_form import ForecastForm
from reconciler.cli.snapshot import Export, export_snapshot
from reconciler.cli.snapshot_file import SnapshotFile
from reconciler.model.errors import ReconcilerError
from reconciler.model.updates import UpdateState
from tests.engine.test_replay import Site
from tests.worlds import NOW, an_update


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    for number in range(3):
        made.enrol(f"ref-{number}", ring="reference")
    for number in range(20):
        made.enrol(f"web-{number}")
    made.enrol("gone")
    made.publish(an_update("app"))
    made.scan(UpdateState.MISSING, but=["gone"])
    made.hear("gone", NOW - timedelta(days=40))
    made.reconcile(NOW)
    yield made
    made.store.close()


@pytest.fixture
def show(site, capsys):
    def run(form=ForecastForm.JSON, **changes):
        fields = {
            "rollout": None,
            "site": site.home.folder,
            "manifests": None,
            "snapshot": None,
            "until": "6d",
            "tick": "1h",
            "seed": 1,
            "now": NOW,
        }
        assert show_forecast(Asked(**{**fields, **changes}), form) == 0
        return capsys.readouterr().out

    return run


def test_forecast_tells_when_phases_open_and_who_is_late(show):
    shown = json.loads(show())

    first, rest = shown["phases"]
    assert (first["phase"], first["opensAt"]) == ("first", "2026-03-02T09:00:00Z")
    assert first["opensAt"] < first["succeedsAt"] <= rest["opensAt"] < rest["succeedsAt"]
    missed = shown["missed"][-1]
    assert (missed["late"], missed["reasons"]) == (1, {"silent": 1})
    assert missed["names"] == {"silent": ["gone"]}
    assert 95 < shown["releases"]["monthly/1"]["percent"] < 100


def test_forecast_states_what_was_assumed(show):
    shown = json.loads(show())

    told = {one["name"]: one["source"] for one in shown["assumptions"]}
    assert told["run time"] == "default"
    assert told["contact interval"] == "history"
    assert told["failing runs"] == "default"


def test_same_seed_gives_the_same_bytes_in_every_form(show):
    for form in ForecastForm:
        assert show(form, seed=7, until="2d") == show(form, seed=7, until="2d")


def test_forecast_changes_nothing_at_the_site(show, site):
    with site.store.read() as view:
        before = view.change(), view.records.load_memory()

    show()

    with site.store.read() as view:
        assert (view.change(), view.records.load_memory()) == before


def test_forecast_of_a_snapshot_is_the_site_s(show, site, tmp_path, capsys):
    export_snapshot(
        site.home.folder, Export(tmp_path / "s", names=True, matchable=False, now=NOW), "json"
    )
    capsys.readouterr()

    assert show(snapshot=SnapshotFile(tmp_path / "s"), now=None) == show()


def test_picture_is_well_formed_and_names_the_release(show):
    picture = ET.fromstring(show(ForecastForm.SVG))  # noqa: S314  # our own bytes

    texts = [one.text for one in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert any(text and text.startswith("monthly/1: ") for text in texts)


def test_text_has_the_phases_and_the_assumptions(show):
    shown = show(ForecastForm.TEXT)

    assert "miss the deadline" in shown
    assert "silent: 1: gone" in shown
    assert "assumed, with seed 1:" in shown


def test_phase_that_cannot_pass_says_what_holds_it_at_the_end(show, site):
    """Servers do not restart by themselves, and the gate waits for restarts."""
    site.publish(an_update("linux"), an_update("app"), at=NOW)
    site.scan(UpdateState.MISSING, but=["gone"])
    site.reconcile(NOW + timedelta(hours=1))

    shown = show(ForecastForm.TEXT, now=NOW + timedelta(hours=1), until="4d")

    assert "at the end AwaitingRestarts: Rollout/monthly/" in shown
    assert "not before the end" in shown


def test_one_rollout_alone(show):
    assert json.loads(show(rollout="monthly"))["phases"]
    with pytest.raises(ReconcilerError, match="there is no rollout 'weekly'"):
        show(rollout="weekly")


@pytest.mark.parametrize("until", ["0d", "soon", "2020-01-01T00:00:00Z", "400d"])
def test_end_that_cannot_be_is_refused(show, until):
    with pytest.raises(typer.BadParameter):
        show(until=until)
