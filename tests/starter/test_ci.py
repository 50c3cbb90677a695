"""The CI files of the starter repository do what they say: their own lines are run."""

import json
import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft7Validator

from reconciler.engine.snapshots import Snapshot, save_snapshot
from tests.starter.repository import (
    CI_FILES,
    GITLAB,
    ROOT,
    UNTIDY,
    VERSION,
    WORKFLOW,
    commands,
    edit,
    github_lines,
    gitlab_lines,
    hook_lines,
    installations,
    read_yaml,
    run_line,
)
from tests.unit.forges.server import COMMIT, TOKEN, a_forge
from tests.worlds import SITE, PlannerWorld

BUDGETS = "rules/budgets.yaml"
SOUND, ERROR, PENDING, DRIFT = 0, 1, 2, 3
MISNAMED = ("limitTo: all-servers", "limitTo: all-server")
STANDARDS = ROOT / "tests/standards"


def is_validation(line):
    return line.startswith("patchwright validate")


def test_every_ci_file_validates_and_checks_the_layout():
    for lines in (list(github_lines()), list(gitlab_lines()), list(hook_lines())):
        assert any(line.startswith("patchwright validate") for line in lines)
        assert any(line.startswith("patchwright fmt") for line in lines)


@pytest.mark.parametrize("line", commands())
def test_command_passes_in_a_fresh_repository(repository, line):
    done = run_line(line, repository)

    assert done.returncode == SOUND, done.stdout + done.stderr


@pytest.mark.parametrize("line", [line for line in commands() if is_validation(line)])
def test_validation_fails_on_a_broken_manifest(repository, line):
    edit(repository / "collections/servers.yaml", *MISNAMED)

    done = run_line(line, repository)

    assert done.returncode == ERROR
    assert "Traceback" not in done.stderr
    told = done.stdout + "".join(
        (repository / name).read_text(encoding="utf-8")
        for name in ("patchwright.sarif", "patchwright.xml")
        if (repository / name).exists()
    )
    assert "collections/servers.yaml" in told
    assert "all-server" in told


@pytest.mark.parametrize("line", [line for line in commands() if "--check" in line])
def test_checks_pass_over_what_only_validation_tells(repository, line):
    edit(repository / "collections/servers.yaml", *MISNAMED)

    assert run_line(line, repository).returncode == SOUND


def test_layout_check_fails_on_an_untidy_manifest(repository):
    edit(repository / "rules/budgets.yaml", *UNTIDY)

    assert run_line("patchwright fmt --check .", repository).returncode == PENDING
    assert run_line("patchwright validate .", repository).returncode == SOUND


def test_schema_check_fails_on_a_schema_of_another_version(repository):
    edit(repository / ".schemas/site.json", "observe", "look")

    done = run_line("patchwright schemas check --folder .schemas", repository)

    assert done.returncode == DRIFT


def test_gitlab_report_names_the_failure_and_the_log_repeats_it(repository):
    edit(repository / "rules/budgets.yaml", "concurrent: 1", "concurrent: none")
    [line] = [line for line in gitlab_lines() if "junit" in line]

    done = run_line(line, repository)

    text = (repository / "patchwright.xml").read_text(encoding="utf-8")
    report = ET.fromstring(text)  # noqa: S314  # our own
    assert len(report.findall(".//failure")) == 1
    assert re.search(r"^rules/budgets.yaml:\d+:\d+: error: ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("line", [line for line in gitlab_lines() if line in commands()])
def test_command_needs_no_git(repository, tmp_path, line):
    """The small image of the GitLab job has none."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "patchwright"):
        found = run_line(f"command -v {name}", repository).stdout.strip()
        (programs / name).symlink_to(found)

    done = run_line(line, repository, PATH=str(programs))

    assert done.returncode == SOUND, done.stderr


@pytest.mark.parametrize("line", installations())
def test_installation_is_of_this_version(line):
    assert line.startswith("python -m pip install ")
    assert line.endswith(f" patchwright=={VERSION}")


def test_actions_are_pinned_by_commit():
    steps = [step for job in read_yaml(WORKFLOW)["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]

    assert used
    assert all(re.fullmatch(r"[\w-]+(/[\w-]+)+@[0-9a-f]{40}", one) for one in used)


def test_image_is_pinned_to_a_whole_version():
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-[\w-]+", read_yaml(GITLAB)["default"]["image"])


def test_workflow_may_only_read_and_two_jobs_write_their_own():
    workflow = read_yaml(WORKFLOW)

    assert workflow["permissions"] == {"contents": "read"}
    granted = {name: job.get("permissions") for name, job in workflow["jobs"].items()}
    assert granted == {
        "validate": None,
        "report": {"contents": "read", "pull-requests": "write", "statuses": "write"},
        "plan": {"contents": "read", "pull-requests": "write", "statuses": "write"},
        "code-scanning": {"contents": "read", "security-events": "write"},
    }
    checkouts = [
        step
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("path", CI_FILES, ids=lambda path: path.name)
def test_ci_file_names_no_credential_but_that_of_the_report(path):
    text = path.read_text(encoding="utf-8")
    for allowed in ("GITHUB_TOKEN: ${{ github.token }}", "GITLAB_TOKEN"):
        text = text.replace(allowed, "")

    assert not re.search(r"secrets\.|pull_request_target|TOKEN|PASSWORD|--site\b", text)


def report_line(lines, report="problems.txt"):
    [line] = [line for line in lines if f"patchwright report-pr {report}" in line]
    return line


def job_variables(kind, forge, event):
    """Give what the CI of a forge tells its job."""
    if kind == "gitlab":
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": forge.api,
            "CI_PROJECT_ID": "corp/fleet",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_COMMIT_SHA": COMMIT,
            "GITLAB_TOKEN": TOKEN,
        }
    whole = {"pull_request": {"number": 7, "head": {"sha": COMMIT}, "base": {}}}
    event.write_text(json.dumps(whole), encoding="utf-8")
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": forge.api,
        "GITHUB_REPOSITORY": "corp/fleet",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_TOKEN": TOKEN,
    }


@pytest.mark.parametrize("broken", [False, True], ids=["sound", "broken"])
@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_report_job_tells_the_verdict_on_the_pull_request(repository, tmp_path, kind, broken):
    if broken:
        edit(repository / "collections/servers.yaml", *MISNAMED)
    line = report_line(github_lines() if kind == "github" else gitlab_lines())
    with a_forge(kind) as forge:
        variables = job_variables(kind, forge, tmp_path / "event.json")
        done = run_line(line, repository, **variables)

    assert done.returncode == SOUND, done.stderr
    assert ("all-server" in forge.comments[0]["body"]) is broken
    assert forge.statuses[0]["state"].startswith("fail" if broken else "success")


def commit_all(repository, message):
    identity = "-c user.name=Ines -c user.email=ines@corp.example"
    line = f"git add --all && git {identity} commit --quiet -m '{message}' && git rev-parse HEAD"
    done = run_line(line, repository, HOME=str(repository))
    assert done.returncode == SOUND, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("change", ["sound", "broken", "no-snapshot"])
@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_plan_job_shows_what_the_change_does(repository, tmp_path, kind, change):
    # What is not carried out yet would be refused by a site.
    (repository / "rules/subscriptions.yaml").unlink()
    base = commit_all(repository, "Begin")
    old = MISNAMED if change == "broken" else ("concurrent: 1", "concurrent: 2")
    edit(repository / ("collections/servers.yaml" if change == "broken" else BUDGETS), *old)
    head = commit_all(repository, "Change")
    if change != "no-snapshot":
        now = datetime.now(UTC)
        known = Snapshot(PlannerWorld().observed(), SITE, now, base, now)
        save_snapshot(known, repository / "site.snapshot")
    line = report_line(github_lines() if kind == "github" else gitlab_lines(), "plan.md")
    with a_forge(kind) as forge:
        variables = job_variables(kind, forge, tmp_path / "event.json")
        run_line(f"git fetch --quiet . {base}", repository)
        job = {"BASE": base, "HEAD": head, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": head}
        done = run_line(line, repository, HOME=str(repository), **variables, **job)

    told = {"sound": "DisruptionBudget", "broken": "all-server", "no-snapshot": "no plan"}
    assert told[change] in forge.comments[0]["body"], done.stderr
    assert done.returncode == (SOUND if change == "sound" else ERROR)


@pytest.mark.parametrize(
    ("path", "schema"),
    [(WORKFLOW, "github-workflows.json"), (GITLAB, "gitlab-ci.json")],
    ids=["github", "gitlab"],
)
def test_ci_file_keeps_to_the_schema_of_its_forge(path, schema):
    validator = Draft7Validator(json.loads((STANDARDS / schema).read_text(encoding="utf-8")))

    assert [error.message for error in validator.iter_errors(read_yaml(path))] == []
