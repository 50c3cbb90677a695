"""The starter repository, and the commands that stand in its CI files."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "manifests"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
WORKFLOW = MANIFESTS / ".github/workflows/patchwright.yaml"
GITLAB = MANIFESTS / ".gitlab-ci.yml"
PRE_COMMIT = MANIFESTS / ".pre-commit-config.yaml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
CI_FILES = (WORKFLOW, GITLAB, PRE_COMMIT)
UNTIDY = ("  concurrent: 1\n  per: cluster", "  per: cluster\n  concurrent: 1")
_NO_JOBS = {"workflow", "default", "variables", "stages"}


class PlainLoader(yaml.SafeLoader):
    """Reads as tools with YAML 1.2 do: `on` is a word, and instants stay text."""


PlainLoader.yaml_implicit_resolvers = {
    first: [rule for rule in rules if not rule[0].endswith(("timestamp", "merge", "bool"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), ["t", "f"]
)


def read_all_yaml(path):
    return list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=PlainLoader))  # a safe one


def read_yaml(path):
    [content] = read_all_yaml(path)
    return content


def github_lines():
    for job in read_yaml(WORKFLOW)["jobs"].values():
        for step in job["steps"]:
            yield from step.get("run", "").splitlines()


def gitlab_lines():
    content = read_yaml(GITLAB)
    yield from content["default"]["before_script"]
    for name, job in content.items():
        if name not in _NO_JOBS:
            yield from job["script"]


def hook_lines():
    for repository in read_yaml(PRE_COMMIT)["repos"]:
        for hook in repository["hooks"]:
            yield f"{hook['entry']} {shlex.join(hook['args'])}"


def commands():
    """Give each different line that calls us, as it stands."""
    lines = [*github_lines(), *gitlab_lines(), *hook_lines()]
    return sorted({line for line in lines if line.startswith("patchwright")})


def installations():
    return sorted({line for line in [*github_lines(), *gitlab_lines()] if "pip" in line})


def environment(**more):
    """Have our own programs first, and no settings of whoever runs the tests."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"PATH": path, "LANG": "C.UTF-8", **more}


def run_line(line, folder, **more):
    """Run a line as a CI runner does: by a shell that stops at the first failure."""
    command = ["bash", "-e", "-o", "pipefail", "-c", line]
    return subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, text=True, check=False
    )


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
