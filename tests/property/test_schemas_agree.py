"""The published schemas and the typed models accept and refuse the same documents."""

import jsonschema
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from reconciler.kinds.registry import KINDS
from reconciler.model.codes import Code
from tests.property.schema_documents import SCHEMAS, documents_of, mutated

VALIDATORS = {kind: jsonschema.Draft202012Validator(one) for kind, one in SCHEMAS.items()}
# What no schema can tell: calendars, zones, expressions, operators, other numbers of the document.
BEYOND = {
    Code.ANCHOR_MISSING,
    Code.BAD_OFFSET,
    Code.BAD_PATTERN,
    Code.BAD_RECURRENCE,
    Code.BAD_REPORT_QUERY,
    Code.BAD_SHARD,
    Code.BAD_SUBNET,
    Code.BAD_TIMEZONE,
    Code.WRONG_OPERANDS,
}


def refusals(kind: str, document: object) -> set[str]:
    try:
        KINDS[kind].model_validate(document, by_alias=True, by_name=False)
    except ValidationError as error:
        # A list whose items are faulty is counted without them.
        return {
            detail["type"]
            for detail in error.errors(include_url=False)
            if detail["type"] != "too_short" or not detail["input"]
        }
    return set()


def assert_agreed(kind: str, document: object) -> None:
    found = refusals(kind, document)
    faults = [error.message for error in VALIDATORS[kind].iter_errors(document)]
    note(f"{document}\nmodel: {found}\nschema: {faults}")
    beyond = {code.value for code in BEYOND}

    if faults:
        assert found
    if found - beyond:
        assert faults


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=25)
@given(data=st.data())
def test_good_documents_are_accepted_by_both(kind, data):
    document = data.draw(documents_of(kind))
    beyond = {code.value for code in BEYOND}

    assert refusals(kind, document) <= beyond
    assert VALIDATORS[kind].is_valid(document)


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=25)
@given(data=st.data())
def test_one_mutation_is_judged_alike(kind, data):
    assert_agreed(kind, data.draw(mutated(kind)))
