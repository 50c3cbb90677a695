"""`patchwright report-pr` from the command line."""

import json
import os
import subprocess
import sys

import pytest

from tests.unit.forges.server import COMMIT, TOKEN, a_forge

pytestmark = pytest.mark.timeout(30)


def call(forge, body, *options, token=TOKEN, **more):
    target = ["--forge", forge.kind, "--api-url", forge.api, "--repository", "corp/fleet"]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **more}
    if token:
        environment["PATCHWRIGHT_FORGE_TOKEN"] = token
    return subprocess.run(
        [
            *(sys.executable, "-m", "reconciler.cli", "report-pr", "-", *target),
            *("--number", "7", "--commit", COMMIT, *options),
        ],
        env=environment,
        input=body,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def forge():
    with a_forge("github") as made:
        yield made


def test_report_from_standard_input_is_posted_and_told_as_json(forge):
    done = call(forge, "## Plan", "-o", "json", "--state", "failure")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["comment"], told["state"], told["truncated"]) == ("created", "failure", False)
    assert forge.statuses[0]["state"] == "failure"


def test_text_is_shown_letter_by_letter_when_asked(forge):
    call(forge, "a: <b>@all", "--as-text")

    assert "```text\na: <b>@all\n```" in forge.comments[0]["body"]


def test_token_may_come_from_a_file(forge, tmp_path):
    (tmp_path / "token").write_text(TOKEN + "\n", encoding="utf-8")

    done = call(forge, "x", "--token-file", str(tmp_path / "token"), token="")

    assert done.returncode == 0, done.stderr


def test_missing_token_is_an_error_and_names_the_variable(forge):
    done = call(forge, "x", token="")

    assert done.returncode == 1
    assert "GITHUB_TOKEN" in done.stderr


@pytest.mark.parametrize("token", ["", TOKEN])
def test_fork_is_skipped_with_a_note(forge, tmp_path, token):
    head, base = {"repo": {"full_name": "me/fleet"}}, {"repo": {"full_name": "corp/fleet"}}
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": head, "base": base}}), encoding="utf-8")
    forge.faults = [None, {"status": 403, "value": {"message": "not accessible"}}]

    done = call(forge, "x", token=token, GITHUB_ACTIONS="true", GITHUB_EVENT_PATH=str(event))

    assert done.returncode == 0, done.stderr
    assert "note: nothing is posted" in done.stdout


def test_refusal_is_one_line_without_the_token(forge):
    forge.faults = [{"status": 401, "value": {"message": "Bad credentials"}}]

    done = call(forge, "x")

    assert done.returncode == 1
    assert "Bad credentials" in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
