"""The published interfaces of the forges: paths, headers, names of fields, and limits.

GitHub REST 2022-11-28, GitLab REST v4, Gitea and Forgejo v1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from reconciler.forges.pull_request import ForgeKind, PullRequest
from reconciler.model.errors import ForgeError


@dataclass(frozen=True, slots=True)
class Shape:
    """How one forge wants to be asked.

    `pages` is what follows the path of a page of comments, None where one answer holds all;
    `longest` are the bytes of a comment and `longest_line` the characters of a description;
    `author` and `creator` name the field of who wrote a comment and a status.
    """

    headers: Callable[[str], Mapping[str, str]]
    comments: Callable[[PullRequest], str]
    comment: Callable[[PullRequest, int], str]
    statuses: Callable[[PullRequest], str]
    edit: str
    pages: str | None
    author: str
    creator: str
    context: str
    states: Mapping[str, str]
    longest: int
    longest_line: int
    token_variable: str


PAGE = 100
_STATES = {name: name for name in ("success", "failure", "pending", "error")}


def _github_headers(token: str) -> Mapping[str, str]:
    return {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def _repository(found: PullRequest) -> str:
    return f"/repos/{quote(found.repository)}"


def _project(found: PullRequest) -> str:
    return f"/projects/{quote(found.repository, safe='')}"


def _notes(found: PullRequest) -> str:
    return f"{_project(found)}/merge_requests/{found.number}/notes"


SHAPES: Mapping[ForgeKind, Shape] = MappingProxyType(
    {
        ForgeKind.GITHUB: Shape(
            headers=_github_headers,
            comments=lambda found: f"{_repository(found)}/issues/{found.number}/comments",
            comment=lambda found, number: f"{_repository(found)}/issues/comments/{number}",
            statuses=lambda found: f"{_repository(found)}/statuses/{found.commit}",
            edit="PATCH",
            pages=f"?per_page={PAGE}&page=",
            author="user",
            creator="creator",
            context="context",
            states=_STATES,
            longest=65_536,
            longest_line=140,
            token_variable="GITHUB_TOKEN",  # noqa: S106  # the name of a variable
        ),
        ForgeKind.GITLAB: Shape(
            headers=lambda token: {"PRIVATE-TOKEN": token},
            comments=_notes,
            comment=lambda found, number: f"{_notes(found)}/{number}",
            statuses=lambda found: f"{_project(found)}/statuses/{found.commit}",
            edit="PUT",
            pages=f"?sort=asc&order_by=created_at&per_page={PAGE}&page=",
            author="author",
            creator="author",
            context="name",
            states={**_STATES, "failure": "failed", "error": "failed"},
            longest=1_000_000,
            longest_line=255,
            token_variable="GITLAB_TOKEN",  # noqa: S106  # the name of a variable
        ),
        ForgeKind.GITEA: Shape(
            headers=lambda token: {"Authorization": f"token {token}"},
            comments=lambda found: f"{_repository(found)}/issues/{found.number}/comments",
            comment=lambda found, number: f"{_repository(found)}/issues/comments/{number}",
            statuses=lambda found: f"{_repository(found)}/statuses/{found.commit}",
            edit="PATCH",
            pages=None,
            author="user",
            creator="creator",
            context="context",
            states=_STATES,
            longest=65_535,
            longest_line=255,
            token_variable="GITEA_TOKEN",  # noqa: S106  # the name of a variable
        ),
    }
)


def shape_of(found: PullRequest) -> Shape:
    """Give how the pull request's forge wants to be asked; raises ForgeError if none is known."""
    if found.kind is None:
        raise ForgeError("it is not known which forge the pull request is on", hint="give --forge")
    return SHAPES[found.kind]
