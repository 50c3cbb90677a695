"""The published schema and the model agree on structure, as far as a schema can tell."""

import json

import jsonschema
import pytest

from reconciler.kinds.registry import KINDS
from reconciler.kinds.schema import COMBINED, make_schemas
from reconciler.model.codes import Code
from reconciler.source.documents import RawDocument, parse_documents
from tests.corpora import expected_in, invalid_files

# What structure alone shows: types, words, forms, required and unknown fields.
STRUCTURAL = {
    Code.MISSING_FIELD,
    Code.UNKNOWN_FIELD,
    Code.WRONG_TYPE,
    Code.UNKNOWN_VALUE,
    Code.OUT_OF_RANGE,
    Code.EMPTY_VALUE,
    Code.UNKNOWN_KIND,
    Code.UNKNOWN_API_VERSION,
    Code.BAD_VALUE,
    Code.BAD_NAME,
    Code.BAD_SEVERITY,
    Code.BAD_SITE_CODE,
    Code.BAD_WALL_TIME,
    Code.UNKNOWN_LEAF,
}
# Forms that a pattern allows and a calendar, a size or a cross-check does not.
BEYOND = {"pw1032-float-for-count"}


def documents_in(text: str) -> list[RawDocument]:
    found = parse_documents("manifest.yaml", text.encode())
    return [one for one in found if isinstance(one, RawDocument)]


@pytest.fixture(scope="module")
def combined():
    return jsonschema.Draft202012Validator(json.loads(make_schemas()[COMBINED]))


@pytest.mark.parametrize("path", invalid_files(), ids=lambda path: path.stem)
def test_schema_and_model_agree_on_structure(path, combined):
    text = path.read_text(encoding="utf-8")
    codes = {line[:6] for line in expected_in(text)}
    structural = {code.value for code in STRUCTURAL}
    refused = any(list(combined.iter_errors(one.data)) for one in documents_in(text))

    if codes & structural and path.stem not in BEYOND:
        assert refused
    if all(code >= Code.DANGLING_REFERENCE.value for code in codes):
        assert not refused


def test_every_kind_has_a_schema_that_refuses_the_others():
    schemas = {name: json.loads(text) for name, text in make_schemas().items()}
    for kind in KINDS:
        own = jsonschema.Draft202012Validator(schemas[f"{kind.lower()}.json"])

        assert not own.is_valid({"apiVersion": "patchwright.dev/v1alpha1", "kind": "Other"})
