"""Whose windows `patchwright windows` shows: by manifests alone, by tables, and at a site."""

from dataclasses import replace

import pytest

from reconciler.app.home import Home, make_home
from reconciler.app.settings import Settings, SourceSettings
from reconciler.cli.windows import make_span
from reconciler.model.errors import ManifestError, ReconcilerError
from tests.corpora import NOW, document
from tests.unit.cli.timetables import NIGHT, a_collection, a_rollout, only, spans


def test_named_computer_has_the_windows_of_all_its_collections(show):
    documents = [
        a_collection(f"[{NIGHT}]", name="outer", include="[inner]"),
        document("Collection", "inner", "{computers: [db-01]}"),
        a_collection("always", name="not-in", computers="[db-01]", exclude="[inner]"),
        a_collection(f"[{NIGHT}]", name="by-fact", query="{fact: a, op: Exists}"),
    ]
    shown = show(*documents, name="db-01")

    assert only(shown)["collections"] == ["outer"]
    assert shown["notes"] == ["facts decide about by-fact; --site knows them"]


@pytest.mark.parametrize("name", ["wed", "Collection/db-01", "Computer/web"])
def test_unknown_name_is_told(show, name):
    inner = document("Collection", "inner", "{computers: [db-01]}")
    with pytest.raises(ReconcilerError, match="no collection and no computer"):
        show(a_collection(f"[{NIGHT}]"), inner, name=name)


def test_wrong_manifests_zone_and_span_are_told(show):
    with pytest.raises(ManifestError):
        show(document("Collection", "web", "{include: [nobody]}"))
    with pytest.raises(ReconcilerError, match="--timezone"):
        show(a_collection("always"), zone="Europe/Nowhere")
    for span in [("2026-03-02", "2026-03-01"), ("2026-03-02", "2126-03-01"), ("x", None)]:
        with pytest.raises(ReconcilerError):
            make_span(*span, None)


@pytest.fixture
def site(tmp_path):
    """A site with a computer in Rome, one in New York, and one that says nothing of itself."""
    source = SourceSettings(url=str(tmp_path / "fleet"))
    home = make_home(tmp_path / "site", Settings(name="main", code="PWR", source=source))
    enrol(home, "rome", {"timezone": "Europe/Rome", "role": "web"})
    enrol(home, "york", {"timezone": "America/New_York", "role": "web"})
    enrol(home, "mute", {})
    return home.folder


def enrol(home: Home, name, facts):
    store = home.open_store()
    with store.write() as work:
        computer = work.computers.enrol(name, f"hw-{name}", NOW)
        work.computers.save(replace(computer, facts=facts))
    store.close()


WEB = a_collection(f"[{NIGHT}]", query="{fact: role, op: Exists}")
EVERYBODY = document("Collection", "everybody", "{query: {all: true}}")


def test_site_knows_facts_and_zones_of_a_computer(show, site):
    shown = show(WEB, EVERYBODY, name="york", site=site, zone=None)

    table = only(shown)
    assert (table["zone"], table["members"], shown["notes"]) == ("America/New_York", 1, [])
    assert spans(table["openings"]) == [("2026-03-29T02:00:00Z", "2026-03-29T08:00:00Z")]


def test_collection_of_a_site_is_split_by_windows_and_zone(show, site):
    shown = show(WEB, EVERYBODY, name="everybody", site=site, zone=None)

    found = [(one["zone"], one["collections"], one["members"]) for one in shown["classes"]]
    assert found == [
        ("UTC", [], 1),
        ("America/New_York", ["web"], 1),
        ("Europe/Rome", ["web"], 1),
    ]


def test_phases_of_every_collection_that_a_computer_is_in_are_judged(show, site):
    rollout = a_rollout("deadline: 8d")
    shown = show(WEB, EVERYBODY, *rollout, name="rome", site=site, zone=None)

    assert [one["verdict"] for one in only(shown)["deadlines"]] == ["met"]
    mute = show(WEB, EVERYBODY, *rollout, name="mute", site=site, zone=None)
    assert only(mute)["deadlines"] == []


def test_collection_without_enrolled_computers_says_so(show, site):
    shown = show(a_collection("always", name="empty"), name="empty", site=site)

    assert (shown["classes"], shown["notes"]) == ([], ["no enrolled computer is in it"])


TABLE = """collection,computer,recurrence,start,duration,timezone,owner
lab,lab-01,FREQ=WEEKLY;BYDAY=SA,22:00,2h,UTC,ines@corp.example
lab,lab-02,FREQ=WEEKLY;BYDAY=SA,22:00,2h,UTC,
plain,lab-02,,,,,
"""
SET = document("CollectionSet", "set", "{table: windows.csv}")


@pytest.fixture
def table(show, tmp_path):
    del show  # it makes the folder
    (tmp_path / "manifests" / "windows.csv").write_text(TABLE, encoding="utf-8")


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("name", ["lab", "lab-01", "lab-02", "Computer/lab-02"])
def test_collection_and_computers_of_a_table_are_known(show, name):
    found = only(show(SET, name=name))

    assert found["collections"] == ["lab"]
    assert spans(found["openings"]) == [("2026-03-28T22:00:00Z", "2026-03-29T00:00:00Z")]


@pytest.mark.usefixtures("table")
def test_computer_of_a_table_has_the_windows_of_manifests_too(show):
    documents = [SET, a_collection(f"[{NIGHT}]", include="[plain]")]

    assert only(show(*documents, name="lab-02"))["collections"] == ["lab", "web"]
    assert only(show(*documents, name="lab-01"))["collections"] == ["lab"]


@pytest.mark.usefixtures("table")
def test_table_counts_at_a_site_too(show, site, tmp_path):
    text = "collection,computer,recurrence,start,duration\nlab,rome,FREQ=DAILY,22:00,1h\n"
    (tmp_path / "manifests" / "windows.csv").write_text(text, encoding="utf-8")

    assert only(show(SET, name="rome", site=site, zone=None))["collections"] == ["lab"]


ROOT = document("Site", "hq", "{code: AAA, timezone: Europe/Rome}")


@pytest.mark.parametrize(
    ("sites", "zone"),
    [
        pytest.param(["{code: BBB, parent: hq}"], "Europe/Rome", id="parent"),
        pytest.param(
            ["{code: BBB, parent: hq, timezone: Asia/Tokyo}"], "Asia/Tokyo", id="own-zone-first"
        ),
        pytest.param(
            ["{code: BBB, parent: hq}", "{code: CCC, parent: s0}"], "Europe/Rome", id="grandparent"
        ),
        pytest.param(["{code: BBB, parent: hq}", "{code: CCC, parent: hq}"], "UTC", id="unclear"),
    ],
)
def test_zone_of_the_nearest_ancestor_counts(show, sites, zone):
    documents = [document("Site", f"s{number}", spec) for number, spec in enumerate(sites)]
    shown = show(a_collection(f"[{NIGHT}]"), ROOT, *documents, zone=None)

    assert only(shown)["zone"] == zone
    assert [note for note in shown["notes"] if "--timezone say otherwise" in note]


def test_site_takes_the_zone_of_its_parent(show, site):
    documents = [WEB, EVERYBODY, ROOT, document("Site", "main", "{code: PWR, parent: hq}")]
    shown = show(*documents, name="everybody", site=site, zone=None)

    assert {one["zone"] for one in shown["classes"]} == {"Europe/Rome", "America/New_York"}
