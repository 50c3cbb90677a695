"""What commit messages grant, and which plans they say were reviewed (S23, S24)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import git
from git.objects import Commit

from reconciler.model.grants import Grant
from reconciler.model.reviewed import ReviewedPlan, find_reviewed

ALLOW_PRUNE = "allow-prune"
MOST_COMMITS = 10_000
_MOST_WITH_TRAILER = 100
_MOST_STEPS = 100
_LONGEST_MESSAGE = 1 << 16
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


def read_grants(repository: git.Repo, since: str, until: Commit) -> tuple[Grant, ...]:
    """Give what the commits after one up to another grant, those of merged branches too.

    Where the first is not known any more, as after a rewritten history, only the last commit
    counts. Raises git.GitError where the repository cannot be read.
    """
    if since in {"", until.hexsha}:
        return ()
    return tuple(sorted(_grants(_commits(repository, since, until)), key=lambda one: one.commit))


def read_reviewed(repository: git.Repo, since: str, until: Commit) -> tuple[ReviewedPlan, ...]:
    """Give the plans that the commits after one up to another say were reviewed.

    In order of the steps of the branch: a commit of its own, a squash or a merge, with what it
    merged. Of each step the newest commit comes first. Raises git.GitError where the repository
    cannot be read.
    """
    if since == until.hexsha:
        return ()
    found: list[ReviewedPlan] = []
    for number, step in enumerate(_steps(repository, since, until)):
        before = f"{step.parents[0].hexsha}.." if step.parents else ""
        brought = f"{before}{step.hexsha}"
        for commit in repository.iter_commits(brought, topo_order=True, max_count=MOST_COMMITS):
            message = _text(commit.message[:_LONGEST_MESSAGE])
            found += find_reviewed(message, number)
        if len(found) >= _MOST_WITH_TRAILER:
            break
    return tuple(found[:_MOST_WITH_TRAILER])


def _steps(repository: git.Repo, since: str, until: Commit) -> list[Commit]:
    """Give the commits of the branch itself, oldest first; the last alone without a begin."""
    if _COMMIT.fullmatch(since) is None or not _has_commit(repository, since):
        return [until]
    chosen = repository.iter_commits(
        f"{since}..{until.hexsha}", first_parent=True, max_count=_MOST_STEPS
    )
    return list(reversed(list(chosen)))


def _commits(repository: git.Repo, since: str, until: Commit) -> Iterator[Commit]:
    if _COMMIT.fullmatch(since) is None or not _has_commit(repository, since):
        yield until
        return
    yield from repository.iter_commits(f"{since}..{until.hexsha}", max_count=MOST_COMMITS)


def _has_commit(repository: git.Repo, name: str) -> bool:
    try:
        return repository.rev_parse(f"{name}^{{commit}}").type == Commit.type
    except (git.BadName, git.BadObject, ValueError):
        return False


def _grants(commits: Iterator[Commit]) -> Iterator[Grant]:
    """Read the trailers of commits that may have one; of one commit the largest number counts."""
    read = 0
    for commit in commits:
        if read == _MOST_WITH_TRAILER:
            return
        message = commit.message
        if len(message) > _LONGEST_MESSAGE or ALLOW_PRUNE not in _text(message).lower():
            continue
        read += 1
        numbers = [
            int(value)
            for key, value in commit.trailers_list
            if key.lower() == ALLOW_PRUNE and _NUMBER.fullmatch(value)
        ]
        if numbers:
            yield Grant(commit.hexsha, max(numbers))


def _text(message: str | bytes) -> str:
    return message if isinstance(message, str) else message.decode("utf-8", "replace")
