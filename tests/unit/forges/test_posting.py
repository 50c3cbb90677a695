"""One comment and one status, by the published interface of each forge."""

import pytest

from reconciler.forges.client import Client
from reconciler.forges.posting import Poster, Report, fit, in_fence
from reconciler.forges.pull_request import ForgeKind, PullRequest
from reconciler.forges.shapes import SHAPES
from reconciler.model.errors import ForgeError
from tests.unit.forges.server import COMMIT, SYSTEM, TOKEN, a_forge

KINDS = [kind.value for kind in ForgeKind]
MARKER = "<!-- patchwright:report:plan -->"


@pytest.fixture(params=KINDS)
def forge(request):
    with a_forge(request.param) as made:
        yield made


@pytest.fixture
def github():
    with a_forge("github") as made:
        yield made


def post(forge, body="## Plan\n", *, state="success", slept=None, **changes):
    kind = ForgeKind(forge.kind)
    client = Client(forge.api, SHAPES[kind].headers(TOKEN))
    to = PullRequest(kind, forge.api, "corp/fleet", 7, COMMIT)
    waits = [] if slept is None else slept
    report = Report("plan", body, state, "3 computers", **changes)
    return Poster(client, to, waits.append).post(report)


def test_first_report_makes_a_comment_and_a_status(forge):
    posted = post(forge, link="https://ci.example/1")

    assert posted.comment == "created"
    assert [one["body"] for one in forge.comments] == [f"{MARKER}\n## Plan\n"]
    (status,) = forge.statuses
    assert (status["state"], status["target_url"]) == ("success", "https://ci.example/1")


def test_second_report_updates_the_same_comment_behind_a_hundred_others(forge):
    for number in range(150):
        forge.add(f"said {number}")
    post(forge)

    assert post(forge, "## Other\n").comment == "updated"
    assert len(forge.comments) == 151
    assert forge.comments[-1]["body"] == f"{MARKER}\n## Other\n"


def test_same_report_again_writes_no_comment(forge):
    post(forge)
    forge.comments[0]["body"] = forge.comments[0]["body"].replace("\n", "\r\n").rstrip()

    assert post(forge).comment == "unchanged"


def test_reports_of_other_names_are_left_alone(forge):
    forge.add("<!-- patchwright:report:plan-bari -->\nbari")
    forge.add(f"quoted: {MARKER}")

    assert post(forge).comment == "created"
    assert len(forge.comments) == 3


def test_comment_of_somebody_else_with_the_marker_is_passed_over(forge):
    forge.add(f"{MARKER}\nplanted")

    assert post(forge).comment == "created"
    assert post(forge, "## Other\n").comment == "updated"
    assert [one["body"] for one in forge.comments] == [
        f"{MARKER}\nplanted",
        f"{MARKER}\n## Other\n",
    ]


def test_planted_copy_of_the_report_is_not_taken_for_it(forge):
    forge.add(f"{MARKER}\n## Plan\n")

    assert post(forge).comment == "created"


def test_token_that_the_forge_gives_no_name_finds_its_own_comment(forge):
    forge.add(f"{MARKER}\nplanted")
    forge.writer = SYSTEM
    post(forge)

    assert post(forge, "## Other\n").comment == "updated"
    assert forge.comments[0]["body"] == f"{MARKER}\nplanted"


def test_own_comment_that_may_not_be_edited_is_followed_by_another(forge):
    post(forge)
    forge.foreign = {1}

    assert post(forge, "## Other\n").comment == "created"


@pytest.mark.parametrize("state", ["success", "failure", "pending", "error"])
def test_every_state_is_one_that_the_forge_knows(forge, state):
    post(forge, state=state)

    assert len(forge.statuses) == 1


def test_busy_forge_is_asked_again_after_the_time_that_it_names(forge):
    forge.faults = [{"status": 429, "headers": {"Retry-After": "7"}}]
    slept: list[float] = []

    post(forge, slept=slept)

    assert slept == [7.0]
    assert len(forge.comments) == 1


def test_comment_that_was_made_though_the_answer_was_lost_is_not_made_twice(forge):
    forge.faults = [None, None, {"status": 502, "after": True}]

    assert post(forge).comment == "unchanged"
    assert len(forge.comments) == 1


def test_limit_that_is_spent_is_waited_for_where_that_is_soon(github):
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999"}
    github.faults = [{"status": 403, "headers": headers, "value": {"message": "limit"}}]

    with pytest.raises(ForgeError, match="HTTP 403: limit"):
        post(github)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Retry-After": "Sat, 01 Jan 2000 00:00:00 -0000"}, id="no-zone"),
        pytest.param({"Retry-After": "9" * 5000}, id="huge-wait"),
        pytest.param(
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 5000}, id="huge-reset"
        ),
    ],
)
def test_odd_word_on_when_to_come_back_is_no_crash(github, headers):
    github.faults = [{"status": 429, "headers": headers} for _ in range(9)]

    with pytest.raises(ForgeError, match="HTTP 429"):
        post(github)


@pytest.mark.parametrize("status", [200, 500])
def test_answer_that_is_nested_too_deep_is_an_error(github, status):
    github.faults = [{"status": status, "value": b"[" * 100_000} for _ in range(9)]

    with pytest.raises(ForgeError):
        post(github)


def test_forge_that_stays_away_is_given_up(github):
    github.faults = [{"status": 503} for _ in range(9)]
    slept: list[float] = []

    with pytest.raises(ForgeError, match="503"):
        post(github, slept=slept)
    assert len(slept) == 3


def test_redirect_is_refused_so_that_the_token_stays(github):
    github.faults = [{"status": 302, "headers": {"Location": "https://evil.example/"}}]

    with pytest.raises(ForgeError, match="HTTP 302"):
        post(github)


@pytest.mark.parametrize("value", [b"not json", b'{"a": 1}'])
def test_answer_of_another_form_is_an_error(github, value):
    github.faults = [None, {"status": 200, "value": value}]

    with pytest.raises(ForgeError, match=r"not JSON|no list"):
        post(github)


def test_gitlab_status_that_is_already_so_is_no_error():
    with a_forge("gitlab") as forge:
        message = "Cannot transition status via :run from :running"
        post(forge)
        forge.faults = [{"status": 400, "value": {"message": message}}]

        assert post(forge, "## Other\n").comment == "updated"


def test_errors_never_hold_the_token(github):
    github.faults = [{"status": 401, "value": {"message": "Bad credentials"}}]

    with pytest.raises(ForgeError) as caught:
        post(github)
    assert TOKEN not in str(caught.value) + caught.value.hint + repr(caught.value.__context__)
    assert TOKEN not in repr(Client("https://a", {"Authorization": TOKEN}))


def test_long_report_is_cut_between_lines_and_says_so(forge):
    line = "ü" * 50 + "\n"
    posted = post(forge, line * 20_000)

    body = forge.comments[0]["body"]
    assert posted.truncated
    assert len(body.encode()) <= SHAPES[ForgeKind(forge.kind)].longest
    assert "more lines are left out" in body


def test_cut_closes_what_it_left_open():
    text = "<details><summary>all</summary>\n\n```text\n" + "x\n" * 5000 + "```\n</details>\n"
    cut, is_cut = fit(text, 4000)

    assert is_cut
    assert cut.index("\n```\n", 60) < cut.index("</details>") < cut.index("left out")


def test_text_in_a_fence_cannot_leave_it():
    made = in_fence("a\n`````\n@everyone")

    assert made.startswith("``````text\n")
    assert made.endswith("\n``````\n")
