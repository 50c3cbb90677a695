import pytest

from reconciler.catalog.deb822 import parse_paragraphs


def test_paragraphs_keep_their_own_text():
    text = "Package: a\nTag: x,\n y\n\n\nPackage: b\nDescription:\n"

    assert list(parse_paragraphs(text)) == [
        ({"Package": "a", "Tag": "x,\ny"}, "Package: a\nTag: x,\n y"),
        ({"Package": "b", "Description": ""}, "Package: b\nDescription:"),
    ]


def test_value_may_hold_colons():
    assert next(parse_paragraphs("Version:  1:2.0 \n"))[0] == {"Version": "1:2.0"}


@pytest.mark.parametrize("text", ["", "\n", "\n\n\n"])
def test_nothing_has_no_paragraphs(text):
    assert list(parse_paragraphs(text)) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(" continued", "continues nothing", id="continuation-first"),
        pytest.param("Package a", "is no field", id="no-colon"),
        pytest.param(": a", "is no field", id="no-name"),
        pytest.param("Package: a\r\n\r\nPackage: b", "is no field", id="carriage-returns"),
        pytest.param("<html>\n<p>Please: log in", "is no field", id="a-web-page"),
        pytest.param("A: 1\nA: 2", "stands twice", id="twice"),
    ],
)
def test_what_is_no_paragraph_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        list(parse_paragraphs(text))
