"""Whatever `fmt` is given, it keeps meaning and comments, and doing it twice is doing it once."""

import random
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.source.comments import comments_in
from reconciler.source.documents import RawDocument, parse_documents
from reconciler.source.formatting import format_manifests
from tests.corpora import invalid_files

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*invalid_files(), *(ROOT / "manifests").rglob("[!.]*.yaml")])
LINES = st.sampled_from(
    [
        "# comment",
        "  # comment in spec",
        "      # deep comment",
        "",
        "  description: no",
        "  computers: &c [a, 'no # comment', b]  # said",
        "  owners: [x]",
        "  include:\n  - a  # first\n  # before b\n  - b",
        "  query:\n    all: true",
        "  description: |\n    text # no comment\n\n    # nor this",
        "  description: >-  # folded\n    on\n",
        '  limitTo: "a\n    # no comment\n    b"',
        "metadata: {name: a}",
        "metadata:\n  labels: {on: 22:00}\n  name: a",
        "kind: Collection",
        "apiVersion: patchwright.dev/v1alpha1",
        "spec:",
        "---",
        "--- # marked",
        "...",
    ]
)


def meaning(content):
    found = parse_documents("a.yaml", content)
    return [one.data for one in found if isinstance(one, RawDocument)]


def assert_kept(content):
    made, _ = format_manifests("a.yaml", content)

    assert meaning(made) == meaning(content)
    assert format_manifests("a.yaml", made)[0] == made
    if made != content:
        before, after = (one.decode().removeprefix("\ufeff") for one in (content, made))
        assert comments_in(after) == comments_in(before)
        assert after.count("#") == before.count("#")
        assert len(after.split("\n")) - len(before.split("\n")) in {0, 1}


@given(st.lists(LINES, max_size=14).map("\n".join), st.booleans())
def test_any_lines_are_kept(text, windows):
    assert_kept((text.replace("\n", "\r\n") if windows else text).encode())


@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>'\"#%? \n\t", max_size=80))
def test_any_bytes_are_answered(content):
    assert_kept(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shuffled_file_is_kept(path):
    """The lines of each file in a few other orders; most are refused, some are formatted."""
    content = path.read_bytes()
    assert_kept(content)
    draw = random.Random(1)  # noqa: S311  # repeatable, not secret
    lines = content.splitlines(keepends=True)
    for _ in range(3):
        at, other = draw.randrange(len(lines) or 1), draw.randrange(len(lines) or 1)
        changed = list(lines)
        if changed:
            changed[at], changed[other] = changed[other], changed[at]
        assert_kept(b"".join(changed))


documents = st.permutations(["apiVersion: patchwright.dev/v1alpha1", "kind: Collection", "S", "M"])
specs = st.permutations(
    [
        "  # for\n  description: no  # why",
        "  owners: [x]\n    # deep",
        "\n  computers:\n  - a\n  # b\n  - b",
        "  query: {all: true}",
    ]
)


@given(documents, specs, st.sampled_from(["\n", "\r\n"]))
def test_every_order_comes_out_in_one_order(document, spec, line_break):
    metadata = "# who\nmetadata:\n  labels: {on: b}\n  name: a"
    parts = {"S": "\n".join(["spec:", *spec]), "M": metadata}
    text = "\n".join(parts.get(one, one) for one in document) + "\n"
    made, left = format_manifests("a.yaml", text.replace("\n", line_break).encode())
    whole = yaml.safe_load(made)

    assert_kept(text.encode())
    assert left == ()
    assert list(whole) == ["apiVersion", "kind", "metadata", "spec"]
    assert list(whole["metadata"]) == ["name", "labels"]
    assert list(whole["spec"]) == ["description", "owners", "query", "computers"]
