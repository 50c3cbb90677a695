"""`patchwright catalog import`, `list` and `show` on a site without a network."""

import json
import shutil
import time

import pytest

from reconciler.app.home import Home, make_home
from reconciler.app.settings import Settings, SourceSettings
from reconciler.cli.catalog import list_updates, show_update
from reconciler.cli.catalog_import import Brought, import_catalog
from reconciler.engine.catalog_sync import forgotten_sources
from reconciler.engine.observer import load_catalog
from reconciler.model.errors import CatalogError
from tests.advisories import ARCHIVE, FOLDER, an_advisory
from tests.worlds import BASICS, load_desired


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    source = SourceSettings(url=str(tmp_path / "fleet"))
    make_home(folder, Settings(name="main", code="PWR", source=source))
    return folder


@pytest.fixture
def folder(tmp_path):
    copy = tmp_path / "records"
    shutil.copytree(FOLDER, copy)
    return copy


@pytest.fixture
def imported(site, capsys):
    def run(path, **changes):
        asked = {"source": "osv", "output": "json", **changes}
        brought = Brought(path, asked.pop("type_", None), asked.pop("releases", ()))
        code = import_catalog(site, brought, **asked)
        return code, json.loads(capsys.readouterr().out)

    return run


def counts(outcome):
    names = ("read", "added", "revised", "withdrawn", "restored", "retracted")
    return {name: outcome[name] for name in names if outcome[name]}


def test_whole_archive_is_imported_in_five_seconds(imported, site, capsys):
    """Processor time counts: a machine that is shared is slow for other reasons."""
    begin = time.process_time()
    code, outcome = imported(ARCHIVE)
    took = time.process_time() - begin

    assert (code, outcome["read"], outcome["added"], outcome["setAside"]) == (0, 1783, 1783, [])
    assert took < 5
    list_updates(site, None, "json")
    found = {one["id"]: one for one in json.loads(capsys.readouterr().out)}
    severities = [one["severity"] for one in found.values()]
    assert {word: severities.count(word) for word in severities} == {
        "critical": 13,
        "important": 925,
        "moderate": 778,
        "low": 66,
        "unset": 1,
    }
    assert found["ALBA-2026:39332"]["severity"] == "unset"
    assert sum(one["classification"] == "bugfix" for one in found.values()) == 3
    assert sum("almalinux-8" in one["release"] for one in found.values()) == 34
    assert sum("almalinux-10" in one["release"] for one in found.values()) == 9
    assert "ALSA-2022:7288" in found["ALSA-2023:0946"]["supersedes"]
    assert all(one["cves"].count("CVE-") or not one["cves"] for one in found.values())
    assert all(one["released"] and one["links"] for one in found.values())


def test_second_import_changes_nothing(imported, folder):
    imported(folder)
    _, outcome = imported(folder)

    assert counts(outcome) == {"read": 9}
    assert outcome["version"] == 1


def test_streams_of_a_module_do_not_supersede_each_other(imported, folder, site, capsys):
    imported(folder)
    show_update(site, "ALSA-2024:10950", "json")
    first = json.loads(capsys.readouterr().out)["update"]
    show_update(site, "ALSA-2024:10949", "json")
    second = json.loads(capsys.readouterr().out)["update"]

    assert (first["products"], first["supersedes"]) == (["php:8.1"], ["ALSA-2024:0387"])
    assert (second["products"], second["supersedes"]) == (["php:8.2"], [])


def test_changed_and_vanished_records_are_counted(imported, folder):
    imported(folder)
    (folder / "ALSA-2023-1670.json").unlink()
    path = folder / "ALSA-2023-0946.json"
    path.write_text(path.read_text().replace("3.0.1-47.el9_1", "3.0.1-48.el9_1"))
    _, outcome = imported(folder)

    assert counts(outcome) == {"read": 8, "revised": 1, "withdrawn": 1}


def test_record_that_breaks_is_set_aside_and_not_withdrawn(imported, folder, site, capsys):
    imported(folder)
    broken = json.loads((folder / "ALSA-2023-1670.json").read_text())
    (folder / "ALSA-2023-1670.json").write_text(json.dumps({**broken, "modified": 7}))
    (folder / "ALBA-2022-8256.json").unlink()
    code, outcome = imported(folder)

    assert code == 0
    assert counts(outcome) == {"read": 7, "withdrawn": 1}
    (aside,) = outcome["setAside"]
    assert (aside["id"], aside["reason"]) == ("ALSA-2023:1670", "modified is no text")
    show_update(site, "ALSA-2023:1670", "json")
    assert json.loads(capsys.readouterr().out)["withdrawn"] is False


def test_records_that_are_set_aside_are_known_until_a_read_has_none(imported, folder, site):
    imported(folder)
    path = folder / "ALSA-2023-1670.json"
    whole = path.read_text()
    path.write_text(json.dumps({**json.loads(whole), "modified": 7}))
    imported(folder)

    assert [text.partition(";")[0] for text in set_aside(site)] == ["1 record is set aside"]
    path.write_text(whole)
    imported(folder)
    assert set_aside(site) == [""]


def set_aside(site) -> list[str]:
    store = Home(site).open_store()
    try:
        with store.read() as view:
            return [one.set_aside for one in load_catalog(view).sources.values()]
    finally:
        store.close()


def test_record_without_an_id_withdraws_nothing(imported, folder):
    """It may be about any of those that are not listed (S29)."""
    imported(folder)
    (folder / "ALSA-2023-1670.json").unlink()
    (folder / "broken .json").write_text("{")
    _, outcome = imported(folder)

    assert counts(outcome) == {"read": 8}
    assert [one["id"] for one in outcome["setAside"]] == [""]


def test_record_that_its_publisher_withdrew_is_withdrawn(imported, tmp_path):
    records = tmp_path / "records"
    records.mkdir()
    (records / "a.json").write_text(json.dumps([an_advisory(), an_advisory(update_id="ALSA-2")]))
    imported(records)
    gone = an_advisory(withdrawn="2025-05-01T00:00:00Z")
    (records / "a.json").write_text(json.dumps([gone, an_advisory(update_id="ALSA-2")]))
    _, outcome = imported(records)

    assert counts(outcome) == {"read": 1, "withdrawn": 1, "retracted": 1}


def test_text_tells_counts_and_reasons(site, tmp_path, capsys):
    (tmp_path / "one.json").write_text(json.dumps([an_advisory(), {}]))

    assert import_catalog(site, Brought(tmp_path / "one.json", "osv"), None, "text") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"set aside: {tmp_path}/one.json: it has no id",
        "import/one: 1 read, 1 added, 0 revised, 0 withdrawn, 1 set aside; content version 1",
    ]


def test_import_without_one_good_record_is_an_error(imported, tmp_path):
    (tmp_path / "one.json").write_text("{")

    assert imported(tmp_path / "one.json")[0] == 1


@pytest.mark.parametrize(("name", "type_"), [("absent", None), ("f.json", "directory")])
def test_path_that_cannot_be_read_is_told(site, tmp_path, name, type_):
    (tmp_path / "f.json").write_text("{}")

    with pytest.raises(CatalogError):
        import_catalog(site, Brought(tmp_path / name, type_), None, "text")


def test_what_show_prints_can_be_imported_elsewhere(imported, folder, site, tmp_path, capsys):
    imported(folder)
    show_update(site, "ALSA-2023:0946", "json")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/one.json").write_text(capsys.readouterr().out)
    _, outcome = imported(tmp_path / "own", source="own", type_="directory")

    assert counts(outcome) == {"read": 1}


def test_list_and_show_tell_severity_dates_cves_and_links(imported, folder, site, capsys):
    imported(folder)
    list_updates(site, "mod_http2", "text")
    assert capsys.readouterr().out == (
        "ALSA-2023:1670  security  important  2023-04-06  CVE-2023-25690"
        "  https://access.redhat.com/errata/RHSA-2023:1670\n"
    )
    show_update(site, "ALSA-2023:1670", "text")
    shown = capsys.readouterr().out.splitlines()
    for line in (
        "severity        important",
        "released        2023-04-06T00:00:00Z",
        "cves            CVE-2023-25690",
        "link            https://errata.almalinux.org/9/ALSA-2023-1670.html",
        "note            an advisory: no files are known of it, so it is never offered",
    ):
        assert line in shown
    assert any(line.startswith("fixed           AlmaLinux:9 httpd 2.4.53") for line in shown)


def test_running_site_does_not_forget_imports():
    known = ["import/osv", "debian"]

    assert forgotten_sources(known, load_desired(BASICS)) == {"debian"}
