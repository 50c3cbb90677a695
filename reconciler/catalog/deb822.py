"""Paragraphs of `Field: value` lines, as Debian's indexes have them.

Own code because the one maintained library, python-debian, is under the GPL, and because what
is captured must keep a paragraph's own text, which a library takes apart.
"""

from __future__ import annotations

from collections.abc import Iterator


def parse_paragraphs(text: str) -> Iterator[tuple[dict[str, str], str]]:
    """Yield each paragraph's fields with the paragraph's text.

    Field names are as written; a continued value keeps its line ends. Raises ValueError for a
    line that is neither a field nor a continuation, and for a field that stands twice.
    """
    for block in text.split("\n\n"):
        paragraph = block.strip("\n")
        if paragraph:
            yield _parse_fields(paragraph), paragraph


def _parse_fields(paragraph: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.split("\n"):
        if line[0] in " \t":
            if not name:
                message = f"the line {line[:60]!r} continues nothing"
                raise ValueError(message)
            fields[name] += "\n" + line[1:]
            continue
        name, colon, value = line.partition(":")
        if not colon or not name or " " in name:
            message = f"the line {line[:60]!r} is no field"
            raise ValueError(message)
        if name in fields:
            message = f"the field {name!r:.60} stands twice in one paragraph"
            raise ValueError(message)
        fields[name] = value.strip()
    return fields
