"""`patchwright explain` on a site with a real repository and a real store, nothing running."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reconciler.app.clock import FixedClock
from reconciler.app.home import Home, make_home
from reconciler.app.settings import Settings, SourceSettings
from reconciler.app.wiring import make_identity, make_reconciler, make_source
from reconciler.cli.explain import show_explanation
from reconciler.cli.main import app
from reconciler.engine.desire import Desire, Followed, renew
from reconciler.model.errors import ReconcilerError
from reconciler.model.messages import StatusId, StatusMessage
from reconciler.model.updates import UpdateState
from tests.repositories import Repository
from tests.worlds import BASICS, NOW, an_update

GOLDEN = Path(__file__).parent / "golden"
APP = "deb:Lab/security/app/1.1"
LATER = NOW + timedelta(minutes=10)
ABSENT = """---
apiVersion: patchwright.dev/v1alpha1
kind: Collection
metadata: {name: spare}
spec: {computers: [db-01]}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site that the tests only read."""
    return make_site(tmp_path_factory.mktemp("explain"))


def make_site(tmp_path):
    """Make a site after a pass: a reference computer in an open phase, and one for the next."""
    repository = Repository(tmp_path / "origin")
    repository.commit(fleet=BASICS + ABSENT)
    source = SourceSettings(url=str(repository.path))
    settings = Settings(name="main", code="PWR", source=source)
    home = make_home(tmp_path / "site", settings)
    store = home.open_store()
    enrol(store, "ref", {"ring": "reference", "timezone": "Europe/Rome"})
    enrol(store, "web", {})
    with store.write() as work:
        work.catalog.merge("lab", [an_update("app")], NOW)
    store.close()
    make_pass(home, settings, NOW)
    return home.folder


def make_pass(home, settings, now):
    """Make a pass on what git said at NOW."""
    store = home.open_store()
    followed = Followed(make_source(home, settings), make_identity(settings), timedelta(hours=1))
    reconciler = make_reconciler(settings, store, FixedClock(now), "host")
    reconciler.begin()
    reconciler.run_pass(renew(Desire(), followed, NOW))
    reconciler.end()
    store.close()


def enrol(store, name, facts):
    with store.write() as work:
        made = work.computers.enrol(name, f"hw-{name}", NOW)
        known = {"os.release": "debian-12", "os.family": "debian", **facts}
        seen = {"last_scan_at": NOW, "last_contact_at": NOW, "scan_version": 1}
        states = {APP: UpdateState.MISSING}
        work.computers.save(replace(made, facts=known, states=states, **seen))
        status = StatusMessage(NOW, StatusId.RUN_REFUSED, "PWR00002", "monthly", 1, 1)
        work.statuses.add(made.id, [status])


def shown(site, capsys, *words, output="text", now=LATER):
    assert show_explanation(site, words, now, output) == 0
    return capsys.readouterr().out


def masked(text):
    """Take the commit out: it changes with every manifest of the tests."""
    return re.sub(r"\b(?:[0-9a-f]{40}|[0-9a-f]{12})\b", "COMMIT", text)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("computer", ["ref", APP]),
        ("next-computer", ["Computer/WEB"]),
        ("absent", ["db-01"]),
        ("rollout", ["rollout", "monthly"]),
        ("phase", ["rollout", "monthly", "1", "rest"]),
    ],
)
@pytest.mark.parametrize("output", ["text", "json"])
def test_explanation_is_the_same_as_ever(site, capsys, name, words, output):
    suffix = "json" if output == "json" else "txt"
    golden = GOLDEN / f"explain-{name}.{suffix}"

    text = masked(shown(site, capsys, *words, output=output))

    assert text == golden.read_text(encoding="utf-8")


def test_nothing_is_written(site, capsys):
    before = {path: path.read_bytes() for path in site.glob("*.db*")}

    shown(site, capsys, "ref")

    assert {path: path.read_bytes() for path in site.glob("*.db*")} == before


def test_instant_of_the_question_decides(site, capsys):
    value = json.loads(shown(site, capsys, "ref", output="json", now=NOW + timedelta(days=1)))

    assert [one["reason"] for one in value["updates"]] == ["noContactSinceScan"]
    assert value["now"] == "2026-03-03T09:00:00Z"


def test_reads_are_as_stale_as_the_last_pass_found_them(tmp_path, capsys):
    site = make_site(tmp_path)
    home = Home(site)
    make_pass(home, home.settings(), NOW + timedelta(days=2))
    capsys.readouterr()

    value = json.loads(shown(site, capsys, "rollout", "monthly", output="json"))

    assert {one["reason"] for one in value["phases"]} == {"staleReads"}


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["rex"], "no computer is named 'rex'", "ref"),
        (["rollout", "montly"], "no rollout, emergency or removal", "monthly"),
        (["rollout", "monthly", "7"], "has no release 7", "releases: 1"),
        (["rollout", "monthly", "1", "frist"], "has no phase 'frist'", "first"),
        (["rollout", "monthly", "1", "first", "more"], "has no phase", "first"),
        (["drill", "fire"], "no drill is named 'fire'", "explain drill NAME"),
        (["ref", APP, "more"], "too many words", "COMPUTER [UPDATE]"),
    ],
)
def test_what_is_not_there_is_told_with_a_hint(site, words, message, hint):
    with pytest.raises(ReconcilerError, match=message) as caught:
        show_explanation(site, words, LATER, "text")

    assert hint in caught.value.hint


def test_before_the_first_pass_there_is_nothing_to_explain(tmp_path):
    source = SourceSettings(url=str(tmp_path / "none"))
    home = make_home(tmp_path / "site", Settings(name="main", code="PWR", source=source))

    with pytest.raises(ReconcilerError, match="no commit is in force yet"):
        show_explanation(home.folder, ["ref"], LATER, "text")


def test_command_takes_the_instant_and_the_form(site):
    arguments = [
        "explain",
        "ref",
        "--site",
        str(site),
        "--now",
        "2026-03-02T09:10:00Z",
        "-o",
        "json",
    ]

    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["computer"] == "ref"
