"""Bytes to documents: what a file may be, and that nothing is converted silently."""

import pytest

from reconciler.model.problems import Location, Problem
from reconciler.source.documents import LARGEST_FILE, RawDocument, parse_documents
from reconciler.source.reading import LONGEST_SCALAR


def parse(content: str | bytes) -> list[RawDocument | Problem]:
    return list(
        parse_documents("a.yaml", content.encode() if isinstance(content, str) else content)
    )


def only_document(content: str | bytes) -> RawDocument:
    (found,) = parse(content)
    assert isinstance(found, RawDocument)
    return found


def codes(content: str | bytes) -> list[str]:
    return [f"{one.code}@{one.at}" for one in parse(content) if isinstance(one, Problem)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("22:00", "22:00", id="no-sexagesimal"),
        pytest.param("no", "no", id="no-is-text"),
        pytest.param("2025-01-01", "2025-01-01", id="date-is-text"),
        pytest.param("010", "010", id="octal-is-text"),
        pytest.param("1e3", "1e3", id="exponent-without-dot-is-text"),
        pytest.param("1_000", "1_000", id="underscore-is-text"),
        pytest.param("12", 12, id="integer"),
        pytest.param("-7", -7, id="negative"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("1.5", 1.5, id="number"),
        pytest.param("true", True, id="boolean"),
        pytest.param("False", False, id="capital-boolean"),
        pytest.param("~", None, id="null"),
        pytest.param("", None, id="nothing"),
        pytest.param('"12"', "12", id="quoted"),
        pytest.param("!!str 12", "12", id="tagged-text"),
        pytest.param('!!int "12"', 12, id="tagged-integer"),
        pytest.param("&a [1, 2]", [1, 2], id="anchor"),
        pytest.param("9" * 70, "9" * 70, id="too-long-for-a-number"),
    ],
)
def test_scalar_reads_by_the_core_schema(text, value):
    assert only_document(f"key: {text}\n").data == {"key": value}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xef\xbb\xbfa: 1\nb: x\n", id="byte-order-mark"),
        pytest.param(b"a: 1\r\nb: x\r\n", id="carriage-returns"),
        pytest.param(b"---\n---\na: 1\nb: x\n---\n# none\n...\n", id="empty-documents"),
        pytest.param(b"%YAML 1.2\n---\na: 1\nb: x\n", id="directive"),
        pytest.param(b"a: &one 1\nb: x", id="no-newline-at-the-end"),
    ],
)
def test_form_of_a_file_does_not_matter(content):
    assert only_document(content).data == {"a": 1, "b": "x"}


def test_alias_repeats_its_anchor():
    assert only_document("a: &x {b: [1]}\nc: *x\n").data == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_place_of_a_field_counts_lines_and_characters_from_one():
    found = only_document("a:\n  - {über: 1, b: [x, y]}\n")

    assert found.locate(("a", 0, "b", 1)) == Location("a.yaml", 2, 22)


def test_place_of_a_missing_field_is_its_parents():
    assert only_document("a:\n  b: 1\n").locate(("a", "c", "d")) == Location("a.yaml", 2, 3)


def test_documents_of_a_file_have_their_own_places():
    first, second = parse("a: 1\n---\na: 2\n")

    assert isinstance(first, RawDocument)
    assert isinstance(second, RawDocument)
    assert [one.source.locate(one.number, ("a",)).line for one in (first, second)] == [1, 3]


def test_what_stands_before_a_broken_document_is_kept():
    first, problem = parse("a: 1\n---\nb: [\n")

    assert isinstance(first, RawDocument)
    assert isinstance(problem, Problem)
    assert first.source.locate(0, ("a",)) == Location("a.yaml", 1, 4)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(b"a: \xff\n", "PW1004@a.yaml:1:4", id="not-utf8"),
        pytest.param("ü: 1\n".encode() + b"b\xfc", "PW1004@a.yaml:2:2", id="not-utf8-later"),
        pytest.param(b"a: 1\0\n", "PW1010@a.yaml", id="zero-byte"),
        pytest.param("a: 1\nb: \ufeff\n", "PW1010@a.yaml:2:4", id="second-mark"),
        pytest.param(b" " * (LARGEST_FILE + 1), "PW1003@a.yaml", id="too-large"),
        pytest.param("a: " + "x" * (LONGEST_SCALAR + 1), "PW1015@a.yaml:1:4", id="long-scalar"),
        pytest.param("[" * 1_000_000, "PW1016@a.yaml:1:65", id="a-million-brackets"),
        pytest.param("- " * 100_000 + "a", "PW1016@a.yaml:1:129", id="deep-blocks"),
        pytest.param("a: &x [*x]\n", "PW1016@a.yaml:1:4", id="endless-alias"),
        pytest.param("%YAML 3.0\n---\na: 1\n", "PW1010@a.yaml:1:1", id="other-yaml"),
        pytest.param('a: "\\ud800"\n', "PW1010@a.yaml:1:7", id="half-a-character"),
        pytest.param("", "PW1002@a.yaml", id="empty"),
    ],
)
def test_file_that_is_no_manifest_is_told(content, found):
    assert codes(content) == [found]


def test_aliases_are_counted_only_where_they_repeat():
    text = "a: &x [" + ", ".join("y" * 20_000) + "]\nb: *x\n"

    assert codes(text)[0].startswith("PW1017")
    assert codes(text.replace("b: *x", "b: 1")) == []


def test_quoted_arrows_are_an_ordinary_key():
    assert only_document('"<<": 1\n').data == {"<<": 1}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("! 12", id="plain"),
        pytest.param('! "12"', id="quoted"),
        pytest.param("&x ! 12", id="after-an-anchor"),
        pytest.param("! &x 12", id="before-an-anchor"),
        pytest.param("!\n  12", id="on-the-line-before"),
    ],
)
def test_non_specific_tag_makes_text(text):
    assert only_document(f"key: {text}\n").data == {"key": "12"}


def test_non_specific_tag_of_nothing_is_empty_text():
    assert only_document("key: !").data == {"key": ""}


def test_non_specific_tag_of_a_list_says_nothing():
    assert only_document("key: ! [12]\n").data == {"key": [12]}
