"""`patchwright fmt` on one file: lines move, texts are quoted, nothing else changes."""

import pytest

from reconciler.source.formatting import format_manifests

HEAD = "apiVersion: patchwright.dev/v1alpha1\nkind: Collection\nmetadata: {name: a}\n"


def formatted(text):
    content, left = format_manifests("a.yaml", text.encode())
    return content.decode(), [f"{one.at.line}:{one.at.column} {one.code}" for one in left]


def test_fields_of_a_document_come_in_order_under_its_heading():
    text = (
        "# What it is.\nspec:\n  computers: [a]\n\n# Who.\nkind: Collection\n"
        "metadata: {name: a}\napiVersion: patchwright.dev/v1alpha1\n"
    )

    made = (
        "# What it is.\napiVersion: patchwright.dev/v1alpha1\n\n# Who.\nkind: Collection\n"
        "metadata: {name: a}\nspec:\n  computers: [a]\n"
    )

    assert formatted(text) == (made, [])


def test_fields_of_spec_take_their_comments_along():
    text = HEAD + (
        "spec:\n  # hand-picked\n  computers: [b]  # one\n    # deeper, so still of computers\n"
        "\n  # what for\n  description: text\n  # the end\n"
    )

    assert formatted(text)[0] == HEAD + (
        "spec:\n\n  # what for\n  description: text\n  # hand-picked\n"
        "  computers: [b]  # one\n    # deeper, so still of computers\n  # the end\n"
    )


def test_documents_and_separators_stay_where_they_are():
    text = (
        f"---\n# one\n{HEAD}spec: {{}}\n...\n# between\n---\n# two\nkind: Collection\n"
        "apiVersion: patchwright.dev/v1alpha1\nmetadata: {name: b}\nspec: {}\n"
    )
    made, left = formatted(text)

    assert made == text.replace(
        "kind: Collection\napiVersion: patchwright.dev/v1alpha1\nmetadata: {name: b}",
        "apiVersion: patchwright.dev/v1alpha1\nkind: Collection\nmetadata: {name: b}",
    )
    assert left == []


def test_ambiguous_texts_are_quoted_in_keys_and_values():
    text = HEAD.replace("{name: a}", "{name: a, labels: {on: no, x: yes}}") + "spec: {}\n"

    assert '{"on": "no", x: "yes"}' in formatted(text)[0]


def test_anchored_text_keeps_its_anchor():
    text = HEAD + "spec: {description: &a no, owners: [*a]}\n"

    assert formatted(text) == (text.replace("&a no", '&a "no"'), [])


def test_windows_line_breaks_and_mark_stay():
    text = "\ufeff" + (HEAD + "spec:\n  computers: [a]\n  description: no\n").replace("\n", "\r\n")
    made = formatted(text)[0]

    assert made.startswith("\ufeffapi")
    assert made.endswith('spec:\r\n  description: "no"\r\n  computers: [a]\r\n')


def test_last_line_gets_its_break():
    assert formatted(HEAD + "spec:\n  computers: [a]\n  description: b")[0].endswith(
        "  description: b\n  computers: [a]\n"
    )


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        pytest.param("spec: {computers: [a], description: b}\n", "4:7", id="braces"),
        pytest.param(
            "spec:\n  computers: &c [a]\n  include: [b]\n  ownrs: *c\n", "5:3", id="field"
        ),
        pytest.param(
            "spec:\n  owners: [a]\n  description: |+\n    text\n\n  computers: [b]\n",
            "5:3",
            id="kept-blank-lines",
        ),
        pytest.param("spec:\n  computers: &c [a]\n  owners: *c\n", "5:3", id="alias-before-anchor"),
        pytest.param("spec:\n  ? computers\n  : [a]\n  ? description\n  : b\n", "5:3", id="keys"),
    ],
)
def test_what_is_not_safe_is_left_alone_and_said(spec, place):
    made, left = formatted(HEAD + spec)

    assert made == HEAD + spec
    assert left == [f"{place} PW1098"]


def test_file_with_errors_is_as_it_was():
    text = HEAD + "spec: [\n"

    assert formatted(text)[0] == text
    assert formatted(text)[1][0].endswith("PW1010")
