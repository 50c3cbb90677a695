"""What the repository says of itself is true: everything public is documented (house rule)."""

import dataclasses
import re
from pathlib import Path

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


@pytest.mark.parametrize("reason", sorted({*Reason, *PhaseReason}, key=str))
def test_reason_of_an_explanation_is_documented(reason):
    text = (ROOT / "docs/reasons.md").read_text()
    part = text.partition("## Phases")[0 if isinstance(reason, Reason) else 2]

    assert f"| `{reason.value}` |" in part


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


def agent_reasons():
    """Give every reason that the agent's code gives for a run that did not begin."""
    found = re.compile(r'(?:RunRefusedError|_refuse)\(\s*(?:offer, )?"(\w+)"')
    files = (ROOT / "reconciler/agent").rglob("*.py")
    return sorted({name for file in files for name in found.findall(file.read_text())})


@pytest.mark.parametrize("reason", agent_reasons())
def test_reason_of_the_agent_is_documented(reason):
    assert f"| `{reason}` |" in (ROOT / "docs/agent.md").read_text()


@pytest.mark.parametrize("field", dataclasses.fields(Configuration), ids=lambda field: field.name)
def test_setting_of_the_agent_is_documented(field):
    head, *tail = field.name.split("_")
    name = head + "".join(part.capitalize() for part in tail)

    assert f"| `{name}` |" in (ROOT / "docs/agent.md").read_text()


@pytest.mark.parametrize("status", sorted(StatusId))
def test_status_message_is_documented(status):
    assert re.search(rf"\| (?:\d+, )*{status}(?:, \d+)* \|", (ROOT / "docs/agent.md").read_text())
