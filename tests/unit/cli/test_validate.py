"""`patchwright validate`: everything in one run, and an exit code."""

import json

import pytest

from reconciler.cli.problem_outputs.form import Form
from reconciler.cli.validate import validate_paths
from tests.corpora import NOW, document

EVERYONE = document("Collection", "everyone", "{query: {all: true}}")
WARNED = document("Collection", "warned", "{description: no}")
WRONG = document("Collection", "wrong", "{ownrs: []}")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.yaml").write_text(EVERYONE, encoding="utf-8")
    return tmp_path


def test_valid_folder_is_zero(folder, capsys):
    assert validate_paths([folder], now=NOW) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 document, 0 errors, 0 warnings"


def test_error_is_one_and_says_where(folder, capsys):
    (folder / "b.yaml").write_text(WRONG, encoding="utf-8")

    assert validate_paths([folder], now=NOW) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{folder}/b.yaml:4:8: error: 'ownrs' is not a field of spec [PW1031]"
    assert lines[1] == '    hint: did you mean "owners"?'


@pytest.mark.parametrize(("strict", "code"), [(False, 0), (True, 1)])
def test_warnings_refuse_only_where_strict(folder, strict, code):
    (folder / "b.yaml").write_text(WARNED, encoding="utf-8")

    assert validate_paths([folder], now=NOW, strict=strict) == code


def test_paths_are_one_state(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "b.yaml"
    other.write_text(document("Collection", "b", "{include: [everyone]}"), encoding="utf-8")

    assert validate_paths([other], now=NOW) == 1
    assert validate_paths([other, folder], now=NOW) == 0
    assert validate_paths([other, folder / "a.yaml"], now=NOW) == 0


def test_file_that_is_given_twice_is_read_once(folder):
    assert validate_paths([folder, folder / "a.yaml"], now=NOW) == 0


def test_path_that_does_not_exist_is_told_beside_the_rest(folder, capsys):
    (folder / "b.yaml").write_text(WRONG, encoding="utf-8")

    assert validate_paths([folder / "absent", folder / "b.yaml"], now=NOW) == 1
    out = capsys.readouterr().out
    assert "PW1005" in out
    assert "PW1031" in out
    assert "PW1001" not in out


def test_empty_folder_is_an_error(tmp_path, capsys):
    assert validate_paths([tmp_path], now=NOW) == 1
    assert "PW1001" in capsys.readouterr().out


def test_what_needs_a_site_is_noted_once(folder, capsys):
    validate_paths([folder], now=NOW)

    assert capsys.readouterr().out.count("PW1099") == 1


def test_json_holds_every_problem_with_its_place(folder, capsys):
    (folder / "b.yaml").write_text(WRONG, encoding="utf-8")
    validate_paths([folder], now=NOW, form=Form.JSON)
    found = json.loads(capsys.readouterr().out)

    assert (found["valid"], found["documents"], found["errors"]) == (False, 1, 1)
    assert found["problems"] == [
        {
            "path": f"{folder}/b.yaml",
            "line": 4,
            "column": 8,
            "severity": "error",
            "code": "PW1031",
            "name": "UnknownField",
            "message": "'ownrs' is not a field of spec",
            "hint": 'did you mean "owners"?',
        }
    ]


def test_now_decides_what_has_ended(folder, capsys):
    (folder / "b.yaml").write_text(
        document("UpdateGroup", "g", "{type: rollup, updates: [one]}")
        + "---\n"
        + document("Authorization", "a", "{group: g, until: 2025-10-01T00:00:00Z}"),
        encoding="utf-8",
    )
    validate_paths([folder], now=NOW)

    assert "PW1091" in capsys.readouterr().out
