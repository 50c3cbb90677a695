"""manifests/ is a repository that a team can start from, and every line of it is sound."""

import json
import re
from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator

from reconciler.cli.validate import judge_paths
from reconciler.model.codes import NOT_YET_CODES
from reconciler.model.problems import Severity
from tests.starter.repository import MANIFESTS, ROOT, read_all_yaml, run_line

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
FILES = sorted(
    path for path in MANIFESTS.rglob("*.yaml") if "/." not in str(path.relative_to(ROOT))
)
MODELINE = "# yaml-language-server: $schema="
NEEDED = {
    "Authorization",
    "CatalogSource",
    "Collection",
    "CollectionSet",
    "DisruptionBudget",
    "EmergencyChange",
    "Freeze",
    "Policy",
    "Rejection",
    "Rollout",
    "RolloutStrategy",
    "ScanPolicy",
    "Site",
    "Subscription",
    "UpdateGroup",
    "Waiver",
}


def name_of(path):
    return str(path.relative_to(MANIFESTS))


def documents():
    return [document for path in FILES for document in read_all_yaml(path)]


def test_nothing_is_wrong_but_what_is_not_carried_out_yet():
    verdict = judge_paths([MANIFESTS], NOW)

    serious = [one for one in verdict.problems if one.severity is not Severity.NOTE]
    assert [str(one) for one in serious if one.code not in NOT_YET_CODES] == []


def test_time_alone_breaks_nothing():
    for later in (NOW.replace(year=2028), NOW.replace(year=2040)):
        assert judge_paths([MANIFESTS], later).is_valid


def test_every_kind_of_the_start_is_shown():
    assert {document["kind"] for document in documents()} == NEEDED


def test_a_new_site_observes():
    [site] = [document for document in documents() if document["kind"] == "Site"]

    assert site["spec"]["mode"] == "observe"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file_begins_with_a_comment_that_teaches(path):
    lines = path.read_text(encoding="utf-8").splitlines()

    assert lines[0].startswith(MODELINE)
    assert lines[1] == "#"
    assert lines[2].startswith("# ")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_editor_finds_the_schema_and_it_accepts_the_file(path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    schema = path.parent / first.removeprefix(MODELINE)
    validator = Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))

    for document in read_all_yaml(path):
        assert [error.message for error in validator.iter_errors(document)] == []


def test_commands_of_the_readme_work(repository):
    text = (repository / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```sh\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    here = [line for line in lines if "/var/lib" not in line]

    assert here
    for line in here:
        done = run_line(line, repository)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "path",
    re.findall(
        r"^\| (`.*?`) \|", (MANIFESTS / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    ),
)
def test_readme_names_what_is_there(path):
    for name in re.findall(r"`(.*?)`", path):
        assert (MANIFESTS / name).exists()
