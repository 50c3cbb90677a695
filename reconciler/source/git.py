"""Manifests from a git repository, read out of a bare mirror without checking anything out."""

from __future__ import annotations

import hashlib
import re
import shutil
import signal
from datetime import timedelta
from functools import partial
from pathlib import Path

import git
from git.exc import ODBError
from git.objects import Commit

from reconciler.model.errors import SourceError
from reconciler.model.times import UTC
from reconciler.ports import Checkout
from reconciler.source.evidence import read_evidence
from reconciler.source.signers import Signers
from reconciler.source.trailers import read_grants, read_reviewed
from reconciler.source.trees import check_sub_path, find_file, read_tree

FETCH_TIMEOUT = timedelta(minutes=5)
_LOCAL_TIMEOUT = timedelta(minutes=1)
_LONGEST_REASON = 300
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+@-]{0,254}", re.ASCII)
_SSH_LOCATION = re.compile(r"([A-Za-z0-9_.-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!//)[^:].*", re.ASCII)
_COMPLAINT = re.compile(r"(?:fatal|error|remote): (.*)")
_SECRET = re.compile(r"://[^/@\s]*@", re.ASCII)
_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
# Only these transports, no questions, and nothing of the repository is ever run.
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "file:https:ssh",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=20",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}


class _BrokenMirrorError(Exception):
    """The mirror on disk does not hold what it should."""


class GitSource:
    """A branch, tag or commit of a repository, and a folder within it."""

    def __init__(
        self,
        location: str,
        ref: str,
        sub_path: str,
        work_dir: Path,
        *,
        timeout: timedelta = FETCH_TIMEOUT,
    ) -> None:
        """Check the names; raises SourceError for what git could take as an option or worse."""
        self._location = _check_location(location)
        self._ref = _check_ref(ref)
        self._sub_path = check_sub_path(sub_path)
        digest = hashlib.sha256(self._location.encode()).hexdigest()[:16]
        self._mirror = work_dir / f"{digest}.git"
        self._timeout = timeout
        self._signers: Signers | None = None

    def trusting(self, signers: Signers) -> GitSource:
        """Have revisions judged by who signed them."""
        self._signers = signers
        return self

    def fetch(self, applied: str = "") -> Checkout:
        """Give the newest revision whole; raise SourceError where that is not possible (S29).

        With what the commits since the applied one grant. A mirror that is damaged is made anew
        once.
        """
        try:
            return self._fetch_once(applied)
        except _BrokenMirrorError:
            self._remove_mirror()
        try:
            return self._fetch_once(applied)
        except _BrokenMirrorError as error:
            raise SourceError(self._message(str(error))) from error

    def recall(self) -> Checkout:
        """Give the revision as it was fetched last, without asking the repository.

        Raises SourceError where the mirror does not hold it.
        """
        try:
            return self._read_mirror()
        except _BrokenMirrorError as error:
            raise SourceError(self._message(str(error))) from error

    def read_file(self, commit: str, path: str, limit: int) -> bytes | None:
        """Give a regular file of a fetched commit, one byte more than the limit at most.

        Its path is below the sub-path; nothing where there is no such file. Raises SourceError.
        """
        try:
            with git.Repo(self._mirror, odbt=git.GitCmdObjectDB) as repository:
                place = f"{self._sub_path}/{path}".lstrip("/")
                blob = find_file(repository.commit(commit).tree, place)
                return None if blob is None else bytes(blob.data_stream.read(limit + 1))
        except (git.GitError, ODBError, ValueError, KeyError, OSError, EOFError) as error:
            raise SourceError(self._message(_reason(error))) from error

    def _fetch_once(self, applied: str) -> Checkout:
        self._update_mirror()
        return self._read_mirror(applied)

    def _read_mirror(self, applied: str = "") -> Checkout:
        try:
            with git.Repo(self._mirror, odbt=git.GitCmdObjectDB) as repository:
                return self._read(repository, applied)
        except (git.GitError, ODBError, ValueError, KeyError, OSError, EOFError) as error:
            raise _BrokenMirrorError(_reason(error)) from error

    def _update_mirror(self) -> None:
        """Take over all branches and tags; those that left are dropped."""
        try:
            if not (self._mirror / "HEAD").is_file():
                self._remove_mirror()
                self._mirror.mkdir(parents=True, mode=0o700)
                self._git("init", "--quiet", "--bare", ".", timeout=_LOCAL_TIMEOUT)
            self._git(
                "fetch", "--quiet", "--prune", "--force", "--no-tags", "--no-recurse-submodules",
                "--no-auto-gc", "--", self._location, *_REFSPECS, timeout=self._timeout,
            )  # fmt: skip
        except (git.GitError, OSError) as error:
            if not self._is_sound():
                raise _BrokenMirrorError(_reason(error)) from error
            hint = "check the location and the network; what is in force stays in force"
            raise SourceError(self._message(_reason(error)), hint=hint) from error

    def _is_sound(self) -> bool:
        try:
            self._git("fsck", "--connectivity-only", "--no-dangling", timeout=self._timeout)
        except (git.GitError, OSError):
            return False
        return True

    def _remove_mirror(self) -> None:
        try:
            if self._mirror.exists():
                shutil.rmtree(self._mirror)
        except OSError as error:
            message = f"the mirror {self._mirror} is damaged and cannot be removed"
            raise SourceError(message, hint="remove it by hand") from error

    def _git(self, *arguments: str, timeout: timedelta) -> None:
        command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", *arguments]
        git.Git(self._mirror).execute(
            command, env=_ENVIRONMENT, kill_after_timeout=timeout.total_seconds()
        )

    def _read(self, repository: git.Repo, applied: str) -> Checkout:
        commit = self._commit(repository)
        try:
            files = read_tree(commit.tree, self._sub_path)
        except SourceError as error:
            raise SourceError(self._message(f"{error} at {self._ref}"), hint=error.hint) from error
        committed_at = commit.committed_datetime.astimezone(UTC)
        vouching, approvals = read_evidence(
            repository, commit, files, below=self._sub_path, signers=self._signers
        )
        return Checkout(
            commit.hexsha,
            committed_at,
            files,
            read_grants(repository, applied, commit),
            vouching,
            approvals,
            read_reviewed(repository, applied, commit),
            partial(self.read_file, commit.hexsha),
        )

    def _commit(self, repository: git.Repo) -> Commit:
        """Find the branch, else the tag, else the commit of the name."""
        names = [f"refs/heads/{self._ref}", f"refs/tags/{self._ref}"]
        if _COMMIT.fullmatch(self._ref):
            names.append(self._ref)
        for name in names:
            found = _look_up(repository, name)
            if found is not None:
                return found
        if not repository.references:
            raise SourceError(self._message("is empty"), hint="commit the manifests first")
        message = f"has no branch, tag or commit {self._ref!r}"
        raise SourceError(self._message(message), hint="check the ref")

    def _message(self, text: str) -> str:
        return f"the repository {_without_secret(self._location)} {text}"


def _look_up(repository: git.Repo, name: str) -> Commit | None:
    """Give the commit that a name leads to, or nothing where there is none."""
    try:
        found = repository.rev_parse(f"{name}^{{commit}}")
    except (git.BadName, git.BadObject, ValueError):
        return None
    return found if isinstance(found, Commit) else None


def _check_location(location: str) -> str:
    """Let only paths, https and ssh through, and nothing that looks like an option."""
    path = Path(location)
    allowed = (
        location.startswith(("https://", "ssh://", "file:///"))
        or path.is_absolute()
        or _SSH_LOCATION.fullmatch(location)
    )
    if location.startswith("-") or not location.isprintable() or not allowed or "::" in location:
        message = f"{_without_secret(location)!r:.200} is not the location of a repository"
        raise SourceError(message, hint="write an absolute path, or an https or ssh URL")
    return location


def _check_ref(ref: str) -> str:
    if _REF.fullmatch(ref) is None or ".." in ref or "@{" in ref or ref.endswith((".lock", "/")):
        message = f"{ref!r:.80} is not the name of a branch or tag, nor a commit"
        raise SourceError(message, hint="write a name such as main, or a full commit id")
    return ref


def _without_secret(text: str) -> str:
    return _SECRET.sub("://", text)


def _reason(error: Exception) -> str:
    """Give the first complaint of git, cut and without credentials."""
    said = getattr(error, "stderr", None) or str(error) or type(error).__name__
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    # The library may see the end of a git that it killed before it notes that it killed it.
    if "Timeout: the command" in text or getattr(error, "status", None) == -signal.SIGKILL:
        return "did not answer in time"
    complaint = _COMPLAINT.search(text)
    lines = text.strip().splitlines() or ["git gave no reason"]
    line = complaint.group(1) if complaint is not None else lines[0]
    return "cannot be read: " + _without_secret(line.strip(" '"))[:_LONGEST_REASON]
