"""`patchwright validate --catalog`: named updates and severities (S9)."""

import json

import pytest

from reconciler.app.home import make_home
from reconciler.app.settings import Settings, SourceSettings
from reconciler.cli.catalog_import import Brought, import_catalog
from reconciler.cli.validate import validate_paths
from reconciler.model.errors import CatalogError
from tests.advisories import FOLDER, an_advisory
from tests.corpora import NOW, document


@pytest.fixture
def judge(tmp_path, capsys):
    def run(*documents, catalog=FOLDER, **changes):
        path = tmp_path / "manifest.yaml"
        path.write_text("---\n".join(documents), encoding="utf-8")
        code = validate_paths([path], now=NOW, catalog=catalog, **changes)
        lines = capsys.readouterr().out.replace(str(path), "M").splitlines()
        return code, lines[:-1]

    return run


def a_group(spec):
    return document("UpdateGroup", "g", f"{{type: rollup, {spec}}}")


def test_known_updates_are_no_problem(judge):
    assert judge(a_group('updates: ["ALSA-2023:1670", "ALBA-2022:8256"]')) == (0, [])


def test_named_update_that_the_catalog_lacks_is_an_error(judge):
    code, lines = judge(a_group('updates: ["ALSA-2023:1670", "ALSA-2023:1671"]'))

    assert code == 1
    assert lines == [
        "M:4:50: error: the catalog has no update 'ALSA-2023:1671' [PW1130]",
        '    hint: did you mean "ALSA-2023:1670"?',
    ]


@pytest.mark.parametrize(
    ("documents", "level"),
    [
        ([document("Rejection", "r", "{updates: [nobody], reason: r, by: b}")], "warning"),
        (
            [
                document("Collection", "c", "{query: {all: true}}"),
                document(
                    "EmergencyChange",
                    "e",
                    "{bulletin: b, updates: [nobody], reference: c, production: [c],"
                    " change: x, approvedBy: [a], deadline: asap}",
                ),
            ],
            "error",
        ),
        (
            [
                document(
                    "Waiver",
                    "w",
                    "{computers: [db], updates: [nobody], reason: r, approvedBy: [a],"
                    " until: 2026-01-01T00:00:00Z}",
                )
            ],
            "warning",
        ),
        ([a_group("query: {product: [php]}, exclude: [nobody]")], "warning"),
        ([document("Collection", "c", "{query: {update: nobody, state: missing}}")], "warning"),
        (
            [
                a_group("query: {product: [php]}"),
                document("Authorization", "a", "{group: g, except: [nobody]}"),
            ],
            "warning",
        ),
        (
            [
                a_group("query: {product: [php]}"),
                document("Authorization", "a", "{group: g, only: [nobody]}"),
            ],
            "error",
        ),
    ],
)
def test_every_name_of_an_update_is_looked_up(judge, documents, level):
    code, lines = judge(*documents)

    assert code == (1 if level == "error" else 0)
    assert any(f"{level}: the catalog has no update 'nobody' [PW1130]" in line for line in lines)


def test_names_are_looked_up_beside_other_errors(judge):
    _, lines = judge(a_group("updates: [nobody]"), document("Authorization", "a", "{group: h}"))

    assert [line for line in lines if "PW1130" in line]
    assert [line for line in lines if "PW1070" in line]


def test_severity_query_over_updates_without_severity_is_a_warning(judge):
    code, lines = judge(a_group('query: {product: [kernel], severity: ">=important"}'))

    assert code == 0
    message = "1 of 1 updates that it looks at have no severity"
    assert lines[0] == f"M:4:59: warning: {message} [PW1131]"


def test_severity_query_over_updates_with_severity_is_fine(judge):
    assert judge(a_group('query: {product: [php, openssl], severity: ">=important"}')) == (0, [])


def test_named_update_without_severity_does_not_matter_to_the_query(judge):
    group = a_group('updates: ["ALBA-2026:39332"], query: {product: [php], severity: low}')

    assert judge(group) == (0, [])


def test_without_a_catalog_one_note_says_so(judge):
    code, lines = judge(a_group("updates: [nobody]"), catalog=None)

    assert code == 0
    assert lines == ["M: note: not checked here: updates against a catalog [PW1099]"]


def test_record_that_is_set_aside_is_not_missing(judge, tmp_path):
    catalog = tmp_path / "catalog.json"
    broken = an_advisory(update_id="ALSA-2025:2", modified=7)
    catalog.write_text(json.dumps([an_advisory(), broken]))
    code, lines = judge(a_group('updates: ["ALSA-2025:1", "ALSA-2025:2"]'), catalog=catalog)

    assert code == 0
    (note,) = lines
    assert "1 record(s) of the catalog are set aside" in note


def test_catalog_of_a_site_is_read(judge, tmp_path):
    site = tmp_path / "site"
    source = SourceSettings(url=str(tmp_path / "fleet"))
    make_home(site, Settings(name="main", code="PWR", source=source))
    import_catalog(site, Brought(FOLDER), None, "text")

    code, lines = judge(a_group('updates: ["ALSA-2023:1670", nobody]'), catalog=site)
    assert code == 1
    assert sum("PW1130" in line for line in lines) == 1


def test_catalog_that_cannot_be_read_is_told(judge, tmp_path):
    with pytest.raises(CatalogError, match="absent"):
        judge(a_group("updates: [one]"), catalog=tmp_path / "absent")
