"""One comment and one commit status on a pull request, however often they are posted."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from reconciler.forges.client import Client
from reconciler.forges.pull_request import PullRequest
from reconciler.forges.shapes import PAGE, shape_of
from reconciler.model.canonical import Json
from reconciler.model.errors import ForgeError

T = TypeVar("T")
TRIES = 4
LONGEST_WAIT = 60.0
_MOST_PAGES = 50
_GONE = frozenset({403, 404})
_TOO_LONG = "\n\n*This report is longer than the forge takes. {} more lines are left out.*\n"
_FENCE = re.compile(r"^(`{3,}|~{3,})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Report:
    """What is posted: `name` tells reports of one pull request apart; `body` is Markdown."""

    name: str
    body: str
    state: str
    description: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of it: the comment is created, updated or unchanged, and perhaps cut."""

    comment: str
    url: str
    truncated: bool


class Poster:
    """Posts to one pull request."""

    def __init__(
        self, client: Client, to: PullRequest, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._to = to
        self._shape = shape_of(to)
        self._sleep = sleep

    def post(self, report: Report) -> Posted:
        """Set the status, then post or update the comment; raises ForgeError.

        The status is first because the forge's answer names who the token is, which not every
        token may ask for: only that one's comments are ours, whoever else wrote the marker.
        Where a try may have failed after the forge wrote, the comment is looked for again, so
        that there is never a second one.
        """
        writer = self._tried(lambda: self._post_status(report))
        return self._tried(lambda: self._post_comment(report, writer))

    def _tried(self, work: Callable[[], T]) -> T:
        for tried in range(1, TRIES + 1):
            try:
                return work()
            except ForgeError as error:
                wait = error.retry_after
                if wait is None or tried == TRIES or wait > LONGEST_WAIT:
                    raise
                self._sleep(max(wait, float(tried)))
        raise AssertionError

    def _post_comment(self, report: Report, writer: int | None) -> Posted:
        marker = f"<!-- patchwright:report:{report.name} -->"
        body, is_cut = fit(f"{marker}\n{report.body}", self._shape.longest)
        for found in self._comments():
            if not str(found.get("body", "")).startswith(marker) or not self._is_of(writer, found):
                continue
            if _same(found["body"], body):
                return Posted("unchanged", _url(found), is_cut)
            edited = self._edit(int(found["id"]), body)
            if edited is not None:
                return Posted("updated", _url(edited), is_cut)
        made = self._client.ask("POST", self._shape.comments(self._to), {"body": body})
        return Posted("created", _url(made), is_cut)

    def _edit(self, number: int, body: str) -> Json:
        """Edit a comment; None where that is not allowed to us, or it is gone."""
        path = self._shape.comment(self._to, number)
        try:
            return self._client.ask(self._shape.edit, path, {"body": body})
        except ForgeError as error:
            if error.status in _GONE and error.retry_after is None:
                return None
            raise

    def _is_of(self, writer: int | None, comment: dict[str, Json]) -> bool:
        """Tell whether it is the writer's; who has no name is no person, with a number over 0."""
        author = _number(comment.get(self._shape.author))
        if writer is not None:
            return author == writer
        return author is None or author < 0

    def _comments(self) -> Iterator[dict[str, Json]]:
        path, pages = self._shape.comments(self._to), self._shape.pages
        for number in range(1, _MOST_PAGES + 1):
            listed = self._client.ask("GET", path if pages is None else f"{path}{pages}{number}")
            if not isinstance(listed, list):
                raise ForgeError("the forge's list of comments is no list")
            yield from (one for one in listed if isinstance(one, dict) and "id" in one)
            if pages is None or len(listed) < PAGE:
                return

    def _post_status(self, report: Report) -> int | None:
        """Set the status; give the number of who set it, where the forge tells."""
        shape = self._shape
        payload = {
            "state": shape.states[report.state],
            shape.context: f"patchwright/{report.name}",
            "description": report.description[: shape.longest_line],
            **({"target_url": report.link} if report.link else {}),
        }
        try:
            made = self._client.ask("POST", shape.statuses(self._to), payload)
        except ForgeError as error:
            # GitLab refuses to set the state that the status already has.
            if "Cannot transition status" not in str(error):
                raise
            return _number(self._client.ask("GET", "/user"))
        return _number(made.get(shape.creator) if isinstance(made, dict) else None)


def fit(body: str, longest: int) -> tuple[str, bool]:
    """Cut a text to so many bytes of UTF-8, between lines, and say how much is left out."""
    if len(body.encode()) <= longest:
        return body, False
    lines = body.splitlines(keepends=True)
    room = longest - len(_TOO_LONG) - 1000
    kept = 0
    for line in lines:
        room -= len(line.encode())
        if room < 0:
            break
        kept += 1
    text = "".join(lines[:kept])
    return text + _closing(text) + _TOO_LONG.format(len(lines) - kept), True


def _closing(text: str) -> str:
    """Close what the cut left open, so that the note is seen."""
    fence = ""
    for mark in _FENCE.findall(text):
        if not fence:
            fence = mark
        elif mark.startswith(fence):
            fence = ""
    opened = min(max(0, text.count("<details") - text.count("</details>")), 50)
    return (f"\n{fence}\n" if fence else "") + "\n</details>" * opened


def in_fence(text: str) -> str:
    """Give a text as Markdown that shows it letter by letter, whatever it holds."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}\n"


def _same(one: Json, other: str) -> bool:
    """Compare texts as forges keep them: with other line ends, and without the last one."""
    return str(one).replace("\r\n", "\n").strip() == other.strip()


def _number(user: Json) -> int | None:
    found = user.get("id") if isinstance(user, dict) else None
    return found if isinstance(found, int) else None


def _url(comment: Json) -> str:
    found = comment.get("html_url") if isinstance(comment, dict) else ""
    return str(found or "")
