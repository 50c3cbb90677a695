from hypothesis import given
from hypothesis import strategies as st

from reconciler.catalog.deb822 import parse_paragraphs

names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,9}", fullmatch=True)
lines = st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"])).map(
    str.strip
)
values = st.tuples(lines, st.lists(lines.filter(bool), max_size=2)).map(
    lambda value: "\n".join([value[0], *value[1]])
)
paragraphs = st.dictionaries(names, values, min_size=1)


def render(fields):
    return "\n".join(
        f"{name}: {value.replace(chr(10), chr(10) + ' ')}" for name, value in fields.items()
    )


@given(st.lists(paragraphs))
def test_what_is_written_is_read(written):
    text = "\n\n".join(render(fields) for fields in written) + "\n"

    assert [fields for fields, _ in parse_paragraphs(text)] == written


@given(st.lists(paragraphs))
def test_texts_read_again_are_the_same(written):
    text = "\n\n".join(render(fields) for fields in written)

    for fields, paragraph in parse_paragraphs(text):
        assert list(parse_paragraphs(paragraph)) == [(fields, paragraph)]


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        found = list(parse_paragraphs(text))
    except ValueError:
        return
    assert all(fields and paragraph in text for fields, paragraph in found)
