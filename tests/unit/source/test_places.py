"""Places that are asked for later are those that the whole file gives."""

import pytest

from reconciler.source.composing import compose, find, place_of
from reconciler.source.documents import RawDocument, parse_documents

BODY = "kind: A\nspec: {a: [1, 2]}"
TEXTS = {
    "one": BODY,
    "separated": f"{BODY}\n---\n# c\n\n{BODY}\n---\n---\n{BODY}\n",
    "marked": f"# c\n--- # d\n{BODY}\n...\n# e\n---\n{BODY}\n",
    "same-line": "--- {kind: A, spec: {a: [1, 2]}}\n--- {kind: B, spec: {a: [3, 4]}}\n",
    "anchored": f"--- &x\n{BODY}\n--- !!map\n{BODY}\n--- &y {{kind: A, spec: {{a: [1, 2]}}}}\n",
    "indented": "\n  kind: A\n  spec:\n    a:\n    - 1\n---\n    kind: B\n    spec: {a: 1}\n",
    "like-a-marker": f"{BODY}\n---no: 1\nz: 2\n---\n{BODY}\n",
    "own-handle": f"%TAG !c! tag:yaml.org,2002:\n--- !c!map\n{BODY}\n---\n{BODY}\n",
    "versioned": f"%YAML 1.2\n---\n{BODY}\n...\n%YAML 1.2\n---\n{BODY}\n",
    "windows": f"{BODY}\n---\n{BODY}\n".replace("\n", "\r\n"),
    "marker-in-text": f"kind: |\n  a\n  ---\nspec: {{a: [1, 2]}}\n---\n{BODY}\n",
    "wide": f"kind: \U0001f600é\nspec: {{a: [1, 2]}}\n---\n{BODY}\n",
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("field", [(), ("kind",), ("spec",), ("spec", "a", 1), ("none",), ("z",)])
def test_place_is_that_of_the_whole_file(name, field):
    parsed = list(parse_documents("a.yaml", TEXTS[name].encode()))
    documents = [one for one in parsed if isinstance(one, RawDocument)]
    whole = [place_of("a.yaml", find(root, field)) for root in compose(TEXTS[name])]

    assert len(documents) == len(parsed)
    assert [one.source.locate(one.number, field) for one in documents] == whole
