"""Tables of collection sets: read whole with places, within bounds."""

import pytest

from reconciler.cli.validate import judge_paths
from reconciler.desired.state import Table
from reconciler.model.codes import CODES
from reconciler.model.problems import Location
from reconciler.source.documents import LARGEST_FILE
from reconciler.source.tables import MOST_ROWS, parse_table
from tests.corpora import NOW, document

SET = document("CollectionSet", "set", "{table: windows.csv}")
GOOD = b"collection,computer\nweb,web-1\n"


def cells(content: bytes) -> list[list[str]]:
    table = parse_table("t.csv", content)
    assert isinstance(table, Table)
    return [[cell.text for cell in row] for row in table.rows]


def test_fields_know_their_places():
    table = parse_table("t.csv", b'a,b\r\n"one\ntwo",three\nfour,"f""ive"\n')

    assert isinstance(table, Table)
    assert [[str(cell.at) for cell in row] for row in table.rows] == [
        ["t.csv:1:1", "t.csv:1:3"],
        ["t.csv:2:1", "t.csv:3:6"],
        ["t.csv:4:1", "t.csv:4:6"],
    ]
    assert table.rows[2][1].text == 'f"ive'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\xef\xbb\xbfa,b\n", [["a", "b"]]),
        (b"a,b\n\n,\n c , d ", [["a", "b"], ["c", "d"]]),
        (b"a,", [["a", ""]]),
    ],
)
def test_rows_that_hold_nothing_are_passed_over(content, expected):
    assert cells(content) == expected


@pytest.mark.timeout(10)  # a hundred thousand rows take a second, and more on a busy machine
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a\xff", id="no-text"),
        pytest.param(b'a,"b', id="open-quote"),
        pytest.param(b"a," * 100, id="too-many-columns"),
        pytest.param(b"a\n" * (MOST_ROWS + 1), id="too-many-rows"),
        pytest.param(b"a" * (LARGEST_FILE + 1), id="too-large"),
    ],
)
def test_table_beyond_the_limits_is_refused(content):
    problem = parse_table("t.csv", content)

    assert not isinstance(problem, Table)
    assert CODES[problem.code].short_name == "BadTable"
    assert problem.at.path == "t.csv"


def test_many_faults_of_a_table_are_cut(tmp_path):
    (tmp_path / "set.yaml").write_text(SET)
    (tmp_path / "windows.csv").write_text("collection,computer\n" + "A,b c\n" * 5000)

    assert len(judge_paths([tmp_path], NOW).problems) < 150


@pytest.mark.parametrize("name", [".", "set.yaml"])
def test_table_is_found_for_a_folder_and_for_its_manifest_alone(tmp_path, name):
    (tmp_path / "set.yaml").write_text(SET)
    (tmp_path / "windows.csv").write_bytes(GOOD)
    (tmp_path / "other.csv").write_bytes(b'"no table of ours')

    assert [one.code for one in judge_paths([tmp_path / name], NOW).problems] == ["PW1099"]


def test_link_is_no_table(tmp_path):
    (tmp_path / "elsewhere").write_bytes(GOOD)
    (tmp_path / "set.yaml").write_text(SET)
    (tmp_path / "windows.csv").symlink_to(tmp_path / "elsewhere")
    codes = [one.code for one in judge_paths([tmp_path], NOW).problems]

    assert codes == ["PW1110"]


def test_fault_of_a_table_is_told_in_the_table(tmp_path):
    (tmp_path / "set.yaml").write_text(SET)
    (tmp_path / "windows.csv").write_bytes(GOOD + b"web,\n")
    problems = judge_paths([tmp_path], NOW).problems

    assert Location(str(tmp_path / "windows.csv"), 3, 5) in [one.at for one in problems]
