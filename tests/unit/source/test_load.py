"""The files of a commit as one."""

from reconciler.kinds.collection import Collection
from reconciler.kinds.registry import CARRIED_OUT, KINDS
from reconciler.model.problems import Location
from reconciler.source.load import load_manifests
from tests.corpora import document

EVERYONE = document("Collection", "everyone", "{query: {all: true}}").encode()


def codes_of(files: dict[str, bytes]) -> list[str]:
    return [problem.code for problem in load_manifests(files, "c").problems]


def test_no_file_at_all_is_an_error():
    assert codes_of({}) == ["PW1001"]


def test_document_carries_its_place_and_commit():
    content = b"# first\n---\n" + EVERYONE
    (placed,) = load_manifests({"a/b.yaml": content}, "c0ffee").documents

    assert isinstance(placed.document, Collection)
    assert (placed.name, placed.changed_in) == ("everyone", "c0ffee")
    assert placed.at == Location("a/b.yaml", 3, 1)
    assert placed.locate(("spec", "query", "all")) == Location("a/b.yaml", 6, 21)


def test_equal_names_in_two_files_are_told_with_both_places():
    (problem,) = load_manifests({"a.yaml": EVERYONE, "b.yaml": EVERYONE}, "c").problems

    assert str(problem.at) == "b.yaml:3:18"
    assert "a.yaml:3:18" in problem.message


def test_equal_names_of_different_kinds_are_allowed():
    group = document("UpdateGroup", "everyone", "{type: rollup, updates: [one]}").encode()

    assert codes_of({"a.yaml": EVERYONE, "b.yaml": group}) == []


def test_one_run_tells_the_faults_of_all_files():
    files = {"a.yaml": b"- 1\n", "b.yaml": EVERYONE, "c.yaml": b"{", "d.yaml": b""}

    assert codes_of(files) == ["PW1019", "PW1010", "PW1002"]


def test_names_inside_are_not_names_outside():
    spec = "{max_change: 100%, maxChange: 100%}"

    assert codes_of({"a.yaml": document("Collection", "a", spec).encode()}) == ["PW1031"]


def test_plain_dates_are_fine_where_dates_are_read():
    spec = "{group: g, from: 2025-09-01T00:00:00Z, until: 2026-09-01T00:00:00Z}"

    assert codes_of({"a.yaml": document("Authorization", "a", spec).encode()}) == []


def test_every_kind_of_the_language_is_typed():
    assert len(KINDS) == 24
    assert KINDS.keys() >= CARRIED_OUT
