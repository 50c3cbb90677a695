"""Which pull request is talked about, and on which forge."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.model.canonical import Json
from reconciler.model.errors import ForgeError

_LARGEST_EVENT = 16 << 20
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_REPOSITORY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)+", re.ASCII)


class ForgeKind(StrEnum):
    """The interfaces that are known."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull or merge request: its forge, repository, number and newest commit.

    `api` is the address of the forge's interface; `repository` is `owner/name`, or a project's
    path or number on GitLab. `from_fork` tells that its CI may have no token, or one that reads.
    """

    kind: ForgeKind | None = None
    api: str = ""
    repository: str = ""
    number: int = 0
    commit: str = ""
    from_fork: bool = False


def detect(environment: Mapping[str, str]) -> PullRequest:
    """Read what the CI of a forge tells its jobs; raises ForgeError where that is broken."""
    if environment.get("GITLAB_CI"):
        return _of_gitlab(environment)
    if environment.get("GITHUB_ACTIONS") or environment.get("GITEA_ACTIONS"):
        return _of_actions(environment)
    return PullRequest()


def complete(found: PullRequest, given: PullRequest) -> PullRequest:
    """Let what is given by hand go before what was found; raises ForgeError where parts lack."""
    made = replace(
        found,
        kind=given.kind or found.kind,
        api=given.api or found.api,
        repository=given.repository or found.repository,
        number=given.number or found.number,
        commit=given.commit or found.commit,
    )
    _check(made)
    return replace(made, api=made.api.rstrip("/"))


def _of_gitlab(environment: Mapping[str, str]) -> PullRequest:
    project = environment.get("CI_PROJECT_ID", "")
    target = environment.get("CI_MERGE_REQUEST_PROJECT_ID", project)
    source = environment.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", target)
    # In a pipeline for the merged result the job's own commit is of no branch.
    head = environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "")
    return PullRequest(
        ForgeKind.GITLAB,
        environment.get("CI_API_V4_URL", ""),
        target,
        _number(environment.get("CI_MERGE_REQUEST_IID", "")),
        head or environment.get("CI_COMMIT_SHA", ""),
        source != target,
    )


def _of_actions(environment: Mapping[str, str]) -> PullRequest:
    """GitHub's runner; that of Gitea and Forgejo sets the same variables."""
    api = environment.get("GITHUB_API_URL", "")
    kin = ("GITEA_ACTIONS", "FORGEJO_ACTIONS")
    is_gitea = any(environment.get(name) for name in kin) or api.rstrip("/").endswith("/api/v1")
    event = _read_event(environment.get("GITHUB_EVENT_PATH", ""))
    head = event.get("head") or {}
    base = event.get("base") or {}
    origins = [(one.get("repo") or {}).get("full_name") for one in (head, base)]
    return PullRequest(
        ForgeKind.GITEA if is_gitea else ForgeKind.GITHUB,
        api,
        environment.get("GITHUB_REPOSITORY", ""),
        _number(str(event.get("number", ""))),
        str(head.get("sha", "")) or environment.get("GITHUB_SHA", ""),
        origins[0] != origins[1],
    )


def _read_event(path: str) -> Json:
    if not path:
        return {}
    try:
        with Path(path).open("rb") as file:
            event = json.loads(file.read(_LARGEST_EVENT))
    except (OSError, ValueError) as error:
        message = f"the event of the pull request cannot be read: {error}"
        raise ForgeError(message, hint="give --repository, --number and --commit") from error
    found = event.get("pull_request") if isinstance(event, dict) else None
    return found if isinstance(found, dict) else {}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _check(made: PullRequest) -> None:
    if made.kind is None:
        hint = "give --forge, or run it in the CI of GitHub, GitLab, Gitea or Forgejo"
        raise ForgeError("it is not known which forge to report to", hint=hint)
    missing = [
        name
        for name, value in (
            ("--api-url", made.api),
            ("--repository", made.repository),
            ("--number", made.number),
            ("--commit", made.commit),
        )
        if not value
    ]
    if missing:
        message = (
            f"it is not known which pull request to report to: {', '.join(missing)} is missing"
        )
        raise ForgeError(message, hint="run it for a pull request, or give the options")
    is_project = made.kind is ForgeKind.GITLAB and made.repository.isdigit()
    if not is_project and _REPOSITORY.fullmatch(made.repository) is None:
        raise ForgeError(f"{made.repository!r:.100} is no repository", hint="write OWNER/NAME")
    if _COMMIT.fullmatch(made.commit) is None:
        raise ForgeError(f"{made.commit!r:.80} is no commit", hint="write the whole id")
    _check_address(made.api)


def _check_address(api: str) -> None:
    """The token goes there, so nobody may listen on the way."""
    parts = urlsplit(api)
    is_safe = parts.scheme == "https" or (
        parts.scheme == "http" and (parts.hostname or "") in _LOOPBACK
    )
    if not is_safe or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        message = f"{parts.scheme}://{parts.hostname or ''} is no https address of an interface"
        raise ForgeError(message, hint="write https://HOST/PATH without credentials")
