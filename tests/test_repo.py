"""What the repository says of itself is true: everything public is documented (house rule)."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer
from pydantic import BaseModel

from reconciler.agent.configuration import Configuration
from reconciler.app.settings import ServerTable, Settings, SourceSettings, VerifyTable
from reconciler.cli.main import app
from reconciler.demo.show import MANIFESTS
from reconciler.desired.link import link
from reconciler.model.messages import StatusId
from reconciler.model.reasons import PhaseReason, Reason
from reconciler.model.run_reasons import Failure, Refusal, RestartWait, WaitReason
from reconciler.planning.conditions import REASONS, ConditionType
from reconciler.source.folder import read_folder
from reconciler.source.load import load_manifests
from tests.worlds import NOW

ROOT = Path(__file__).resolve().parents[1]


def commands():
    """Give every command with its path of names."""

    def walk(command, names):
        if hasattr(command, "commands"):
            for name, one in sorted(command.commands.items()):
                yield from walk(one, (*names, name))
        elif not command.hidden:
            yield " ".join(names), command

    return dict(walk(typer.main.get_command(app), ()))


def settings_keys():
    """Give every key of site.toml as it is documented."""
    tables: dict[str, type[BaseModel]] = {
        "source.": SourceSettings,
        "source.verify.": VerifyTable,
        "server.": ServerTable,
    }
    keys = [name for name in Settings.model_fields if f"{name}." not in tables]
    return [*keys, *(prefix + name for prefix, one in tables.items() for name in one.model_fields)]


@pytest.mark.parametrize("name", sorted(commands()))
def test_command_help_shows_an_example(name):
    assert f"Example: patchwright {name.split(maxsplit=1)[0]}" in commands()[name].help


@pytest.mark.parametrize("key", settings_keys())
def test_setting_is_documented(key):
    assert f"| `{key}` |" in (ROOT / "docs/settings.md").read_text()


@pytest.mark.parametrize("condition", sorted(ConditionType))
def test_condition_is_documented(condition):
    line = f"| `{condition.value}` | `{REASONS[condition]}` |"
    assert line in (ROOT / "docs/conditions.md").read_text()


def reasons_under(heading):
    """Give the words of all tables in one part of docs/reasons.md."""
    text = (ROOT / "docs/reasons.md").read_text()
    part = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "kinds"),
    [
        ("Computers", [Reason]),
        ("Phases", [PhaseReason]),
        ("Runs", [Refusal, Failure, WaitReason, RestartWait]),
    ],
)
def test_each_reason_is_documented_and_no_other(heading, kinds):
    known = [reason.value for kind in kinds for reason in kind]

    assert sorted(reasons_under(heading)) == sorted(known)


def test_worked_example_of_a_review_is_what_the_code_makes(tmp_path):
    folder = ROOT / "docs" / "review"
    command = [sys.executable, str(folder / "make_example.py"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=50)

    made = (tmp_path / "example.md").read_text(encoding="utf-8")
    assert made == (folder / "example.md").read_text(encoding="utf-8")
    for picture in (folder / "example.svg", tmp_path / "example.svg"):
        text = picture.read_text(encoding="utf-8")
        assert ET.fromstring(text).tag.endswith("svg")  # noqa: S314  # our own
        assert "@font-face" not in text


@pytest.mark.parametrize("reason", [*Refusal, *Failure, *WaitReason, *RestartWait], ids=repr)
def test_reason_of_a_run_is_seen_from_a_real_agent(reason):
    texts = [path.read_text() for path in sorted((ROOT / "tests/e2e").glob("test_*.py"))]
    name = f"{type(reason).__name__}.{reason.name}"

    assert any(name in text for text in texts)


def test_manifests_of_the_demo_are_valid_and_carried_out():
    desired, problems = link(load_manifests(read_folder(MANIFESTS), "c" * 40), NOW)

    assert desired is not None
    assert [str(one) for one in problems if one.severity.value != "note"] == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda p: p.stem
)
def test_decision_has_context_choice_and_price(path):
    text = path.read_text()

    assert all(f"## {part}" in text for part in ("Context", "Choice", "Price"))


@pytest.mark.parametrize(
    "link_line", ["docs/operating.md", "docs/conditions.md", "docs/codes.md", "docs/reasons.md"]
)
def test_readme_leads_to_the_docs(link_line):
    assert link_line in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("field", dataclasses.fields(Configuration), ids=lambda field: field.name)
def test_setting_of_the_agent_is_documented(field):
    head, *tail = field.name.split("_")
    name = head + "".join(part.capitalize() for part in tail)

    assert f"| `{name}` |" in (ROOT / "docs/agent.md").read_text()


@pytest.mark.parametrize("status", sorted(StatusId))
def test_status_message_is_documented(status):
    assert re.search(rf"\| (?:\d+, )*{status}(?:, \d+)* \|", (ROOT / "docs/agent.md").read_text())
