"""Every form of `patchwright validate`: byte for byte, and by the rules of those who read it."""

import io
import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from jsonschema import Draft4Validator

from reconciler.cli.output import wants_colours
from reconciler.cli.problem_outputs.form import Form
from reconciler.cli.problem_outputs.rendering import render
from reconciler.cli.problem_outputs.verdict import make_verdict
from reconciler.cli.validate import judge_paths
from reconciler.model.problems import Location, Problem, Severity
from tests.corpora import NOW

TESTS = Path(__file__).resolve().parents[2]
GOLDEN = TESTS / "golden" / "validate"
SARIF = Draft4Validator(json.loads((TESTS / "standards" / "sarif-2.1.0.json").read_text()))
JUNIT = xmlschema.XMLSchema(TESTS / "standards" / "junit-10.xsd")
ODD = Problem(Location("a b/ü,:%.yaml", 3, 7), "PW1031", "bad\x1b[31m\x00 <&> :: %0A", "so\r\nso")
WARNED = Problem(Location("b.yaml"), "PW1096", "later", severity=Severity.WARNING)


@pytest.fixture
def judged(monkeypatch):
    monkeypatch.chdir(GOLDEN)
    return lambda **options: judge_paths([Path("manifests")], NOW, **options)


@pytest.mark.parametrize(
    ("name", "form", "options"),
    [
        ("text.txt", Form.TEXT, {}),
        ("coloured.txt", Form.TEXT, {"coloured": True}),
        ("problems.json", Form.JSON, {}),
        ("problems.sarif", Form.SARIF, {}),
        ("junit.xml", Form.JUNIT, {}),
        ("github.txt", Form.GITHUB, {}),
    ],
)
@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
def test_output_is_the_golden_one(judged, name, form, options, strict):
    """Set GOLDEN=write to take over what is printed, and read the difference."""
    path = GOLDEN / ("strict" if strict else "lenient") / name
    printed = render(judged(strict=strict), form, **options)
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(printed, encoding="utf-8")

    assert printed == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("strict", [False, True])
def test_output_does_not_depend_on_the_order(form, strict):
    files = ["a b/ü,:%.yaml", "b.yaml", "c.yaml"]
    one = make_verdict(3, files, [ODD, WARNED], strict=strict)
    other = make_verdict(3, reversed(files), [WARNED, ODD], strict=strict)

    assert render(one, form) == render(other, form)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("problems", [[], [ODD, WARNED]], ids=["none", "odd"])
def test_sarif_keeps_its_schema(problems, strict):
    verdict = make_verdict(1, ["b.yaml"], problems, strict=strict)

    SARIF.validate(json.loads(render(verdict, Form.SARIF)))


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("problems", [[], [ODD, WARNED]], ids=["none", "odd"])
def test_junit_keeps_its_schema(problems, strict):
    verdict = make_verdict(1, ["b.yaml"], problems, strict=strict)

    JUNIT.validate(ET.ElementTree(ET.fromstring(render(verdict, Form.JUNIT))))  # noqa: S314  # our own


@pytest.mark.parametrize("name", ["lenient", "strict"])
def test_golden_files_keep_the_schemas_of_their_readers(name):
    SARIF.validate(json.loads((GOLDEN / name / "problems.sarif").read_text(encoding="utf-8")))
    JUNIT.validate(GOLDEN / name / "junit.xml")


def test_schemas_refuse_what_is_wrong():
    """A check that cannot fail would show nothing."""
    assert not SARIF.is_valid({"version": "2.1.0", "runs": [{"tool": {}}]})
    assert not JUNIT.is_valid(ET.ElementTree(ET.fromstring("<testsuites><case/></testsuites>")))  # noqa: S314  # our own


def test_junit_counts_what_it_holds(judged):
    root = ET.fromstring(render(judged(), Form.JUNIT))  # noqa: S314  # our own
    suites = root.findall("testsuite")

    assert int(root.attrib["tests"]) == len(root.findall("*/testcase"))
    assert int(root.attrib["failures"]) == len(root.findall("*/testcase/failure"))
    assert sum(int(suite.attrib["tests"]) for suite in suites) == int(root.attrib["tests"])
    assert len({suite.attrib["name"] for suite in suites}) == len(suites)


def test_strict_makes_warnings_errors_in_every_form():
    verdict = make_verdict(1, ["b.yaml"], [WARNED], strict=True)

    assert "b.yaml: error: later" in render(verdict, Form.TEXT)
    assert json.loads(render(verdict, Form.JSON))["errors"] == 1
    assert json.loads(render(verdict, Form.SARIF))["runs"][0]["results"][0]["level"] == "error"
    assert 'failures="1"' in render(verdict, Form.JUNIT)
    assert render(verdict, Form.GITHUB).startswith("::error file=b.yaml,")


def test_github_command_is_one_line_whatever_the_text_holds():
    printed = render(make_verdict(1, [], [ODD], strict=False), Form.GITHUB)

    assert printed == (
        "::error file=a b/ü%2C%3A%25.yaml,line=3,col=7,title=PW1031 UnknownField"
        "::bad\x1b[31m\x00 <&> :: %250A%0Aso%0D%0Aso\n"
    )


def test_text_does_not_steer_the_terminal():
    printed = render(make_verdict(1, [], [ODD], strict=False), Form.TEXT)

    assert "\x1b" not in printed
    assert "bad\\x1b[31m\\x00" in printed


def test_file_of_an_absolute_path_is_a_uri_in_sarif():
    problem = Problem(Location("/srv/a b.yaml", 1, 1), "PW1031", "x")
    found = json.loads(render(make_verdict(1, [], [problem], strict=False), Form.SARIF))
    place = found["runs"][0]["results"][0]["locations"][0]["physicalLocation"]

    assert place["artifactLocation"]["uri"] == "file:///srv/a%20b.yaml"


class Terminal:
    def isatty(self):
        return True


@pytest.mark.parametrize(("no_color", "wanted"), [(None, True), ("", True), ("1", False)])
def test_no_color_is_respected(monkeypatch, no_color, wanted):
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr("sys.stdout", Terminal())

    assert wants_colours() is wanted


def test_no_terminal_means_no_colours(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout", io.StringIO())

    assert not wants_colours()
