"""Which pull request the CI of each forge is about."""

import json

import pytest

from reconciler.forges.pull_request import ForgeKind, PullRequest, complete, detect
from reconciler.model.errors import ForgeError

COMMIT, MERGED = "c" * 40, "d" * 40
WHOLE = PullRequest(ForgeKind.GITHUB, "https://api.github.com", "corp/fleet", 7, COMMIT)


def actions(tmp_path, *, fork=False, **more):
    event = {
        "pull_request": {
            "number": 7,
            "head": {"sha": COMMIT, "repo": {"full_name": "me/fleet" if fork else "corp/fleet"}},
            "base": {"repo": {"full_name": "corp/fleet"}},
        }
    }
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event), encoding="utf-8")
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": "https://api.github.com",
        "GITHUB_REPOSITORY": "corp/fleet",
        "GITHUB_SHA": MERGED,
        "GITHUB_EVENT_PATH": str(path),
        **more,
    }


def test_github_is_known_by_its_runner_and_the_head_gets_the_status(tmp_path):
    assert detect(actions(tmp_path)) == WHOLE


@pytest.mark.parametrize(
    "more", [{"GITEA_ACTIONS": "true"}, {"GITHUB_API_URL": "https://git.example/api/v1"}]
)
def test_gitea_is_told_from_github(tmp_path, more):
    assert detect(actions(tmp_path, **more)).kind is ForgeKind.GITEA


def test_pull_request_of_a_fork_is_known(tmp_path):
    assert detect(actions(tmp_path, fork=True)).from_fork


def test_gitlab_is_known_and_the_branch_gets_the_status():
    found = detect(
        {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": "https://gitlab.com/api/v4",
            "CI_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "43",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_COMMIT_SHA": MERGED,
            "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": COMMIT,
        }
    )

    api = "https://gitlab.com/api/v4"
    assert found == PullRequest(ForgeKind.GITLAB, api, "42", 7, COMMIT, from_fork=True)


def test_what_is_given_goes_before_what_is_found():
    given = PullRequest(number=8)

    assert complete(WHOLE, given).number == 8


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (PullRequest(), "which forge"),
        (PullRequest(ForgeKind.GITHUB), "--api-url, --repository, --number, --commit"),
    ],
)
def test_what_is_missing_is_named(given, what):
    with pytest.raises(ForgeError, match=what):
        complete(PullRequest(), given)


@pytest.mark.parametrize(
    "given",
    [
        PullRequest(api="http://git.example/api"),
        PullRequest(api="https://me:secret@git.example/"),
        PullRequest(api="ftp://git.example/"),
        PullRequest(repository="corp/../../x"),
        PullRequest(repository="corp"),
        PullRequest(commit="main"),
    ],
)
def test_unsafe_address_or_name_is_refused(given):
    with pytest.raises(ForgeError) as caught:
        complete(WHOLE, given)
    assert "secret" not in str(caught.value)


def test_http_is_taken_on_loopback_only():
    assert complete(WHOLE, PullRequest(api="http://127.0.0.1:8/")).api == "http://127.0.0.1:8"


def test_broken_event_is_an_error(tmp_path):
    environment = actions(tmp_path)
    (tmp_path / "event.json").write_text("{", encoding="utf-8")

    with pytest.raises(ForgeError, match="event"):
        detect(environment)
