"""The page of each kind holds a complete example that takes force, and names every field."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from reconciler.kinds.base import Model
from reconciler.kinds.registry import CARRIED_OUT, KINDS
from reconciler.kinds.schema import COMBINED, make_schemas
from reconciler.model.codes import NOT_YET_CODES
from tests.corpora import judged

PROJECT = Path(__file__).parents[3]
PAGES = PROJECT / "docs" / "kinds"
TABLE = re.compile(r"^```csv\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples_of(kind: str) -> str:
    return "---\n".join(BLOCK.findall((PAGES / f"{kind.lower()}.md").read_text(encoding="utf-8")))


def tables_of(kind: str) -> dict[str, bytes]:
    page = (PAGES / f"{kind.lower()}.md").read_text(encoding="utf-8")
    table = TABLE.search(page)
    return {"windows.csv": table.group(1).encode()} if table else {}


@pytest.mark.parametrize("kind", sorted(CARRIED_OUT))
def test_example_takes_force_without_a_word(kind):
    state, problems = judged(examples_of(kind), tables_of(kind))

    assert problems == ()
    assert state is not None


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - CARRIED_OUT))
def test_example_is_valid_and_only_not_carried_out(kind):
    state, problems = judged(examples_of(kind), tables_of(kind))

    assert state is not None
    assert state.of_kind(kind)
    assert {problem.code for problem in problems} <= NOT_YET_CODES
    assert [problem.code for problem in problems].count("PW1095") >= 1


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_page_names_every_field_of_the_spec(kind):
    page = (PAGES / f"{kind.lower()}.md").read_text(encoding="utf-8")
    spec = KINDS[kind].model_fields["spec"].annotation
    assert isinstance(spec, type)
    assert issubclass(spec, Model)
    fields = {f"`spec.{field.alias}`" for field in spec.model_fields.values()}

    assert {field for field in fields if field not in page} == set()


def test_there_is_a_page_for_every_kind_and_no_other():
    assert {path.stem for path in PAGES.glob("*.md")} == {kind.lower() for kind in KINDS}


class PlainLoader(yaml.SafeLoader):
    """Reads examples as other tools with YAML 1.2 would: dates and times stay text."""


PlainLoader.yaml_implicit_resolvers = {
    first: [rule for rule in rules if not rule[0].endswith(("timestamp", "merge"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_published_schemas_accept_the_example(kind):
    schemas = {
        path.name: path.read_text(encoding="utf-8") for path in (PROJECT / "schemas").iterdir()
    }
    combined = jsonschema.Draft202012Validator(json.loads(schemas[COMBINED]))
    for document in yaml.load_all(examples_of(kind), Loader=PlainLoader):
        own = json.loads(schemas[f"{document['kind'].lower()}.json"])

        assert list(jsonschema.Draft202012Validator(own).iter_errors(document)) == []
        assert list(combined.iter_errors(document)) == []


def test_published_schemas_are_current():
    written = {
        path.name: path.read_text(encoding="utf-8") for path in (PROJECT / "schemas").iterdir()
    }

    assert written == make_schemas()


def test_schemas_are_schemas():
    for text in make_schemas().values():
        jsonschema.Draft202012Validator.check_schema(json.loads(text))
